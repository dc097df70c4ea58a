// How much each client address uses of the process: the connections that it has open, and the handshakes that it has
// begun lately. Made by the SnapshotBuilder, shared (through the process's ConnectionBudget) by all workers and
// listeners; any thread. Memory is bounded whoever comes: an address is counted for as long as it has a connection,
// and of the handshakes a table of fixed size knows those addresses that are nearest to their limit.
//
//   hash(client, seed) -> one of 32 shards: a mutex
//                           open:  client -> connections open now
//                           slots: 64 sets of 8 -> client, and when its burst is full again
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/clock.h"
#include "proxy/http/counters.h"

namespace gatehouse {

// So much may one address use. 0 means that there is no limit.
struct ClientLimits {
  // Open at a time.
  std::uint32_t connections = 0;
  // In `period`: so many at once, and then as time refills them.
  std::uint32_t handshakes = 0;
  Duration period = std::chrono::seconds(1);
  // Loopback is where balancers and tunnels stand, whose address is everybody's.
  bool spare_connections_of_loopback = false;
  bool spare_handshakes_of_loopback = false;
};

class ClientTable {
 public:
  // A client is an address of IPv4 or a /64 of IPv6, which is what one customer has. An IPv4 address that is mapped
  // into IPv6 counts as the IPv4 address.
  using Key = std::uint64_t;
  // Returns nothing for a Unix socket, which is never limited.
  static std::optional<Key> key_of(const Address& address);

  // Nothing is limited before set_limits().
  ClientTable();
  ClientTable(const ClientTable&) = delete;
  ClientTable& operator=(const ClientTable&) = delete;

  // Called at start and after a reload. Connections that are open already stay, and stay counted.
  void set_limits(const ClientLimits& limits);
  // As they were set last.
  ClientLimits limits() const;

  // Counts one more connection of the client and returns nothing, or returns why it may not have one and counts
  // nothing. The caller gives a connection that was counted back by leave(), once. Where there is no limit (any more: a
  // reload may come between limits_connections() and this) all are counted and none is refused.
  std::optional<ConnectionRefusal> enter(Key client);
  // Nothing happens if the client has no connection counted.
  void leave(Key client);
  // Counts one more handshake of the client and returns nothing, or returns why it may not begin one and counts
  // nothing. Nothing is given back: time refills what it may begin. Without a limit none is refused.
  std::optional<ConnectionRefusal> begin_handshake(Key client, MonotonicTime now);
  // Returns whether enter() or begin_handshake() would refuse; nothing is counted. For clients whose address is not
  // proven.
  bool at_a_limit(Key client, MonotonicTime now);

  // Returns whether connections of a client are limited, of a loopback address if `loopback`.
  bool limits_connections(bool loopback) const;
  // Likewise, of handshakes.
  bool limits_handshakes(bool loopback) const;

  // How many clients have a connection open. Takes the mutex of each shard in turn.
  std::size_t known_clients() const;

 private:
  static constexpr std::size_t kShards = 32;
  // Sets of slots in a shard.
  static constexpr std::size_t kSets = 64;
  // Slots in a set.
  static constexpr std::size_t kWays = 8;
  // A token bucket as one number: the moment at which it is full again (the "theoretical arrival time" of the generic
  // cell rate algorithm). One that lies in the past says nothing any more, and its slot is free.
  struct Slot {
    Key client = 0;
    Duration::rep full_at = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<Key, std::uint32_t> open;
    std::vector<Slot> slots = std::vector<Slot>(kSets * kWays);
  };

  std::uint64_t hash(Key client) const;
  Shard& shard_of(Key client) { return shards_[hash(client) % kShards]; }
  // Returns the client's slot; if it has none, the one of its set that says least, for the caller to overwrite.
  // REQUIRES: the shard's mutex is held
  Slot& slot_of(Shard& shard, Key client);

  // Unknown to clients, so that nobody can choose addresses that meet in one set.
  const std::uint64_t seed_;
  std::atomic<std::uint32_t> most_connections_{0};
  std::atomic<std::uint32_t> most_handshakes_{0};
  std::atomic<Duration::rep> period_{Duration(std::chrono::seconds(1)).count()};
  std::atomic<bool> spare_connections_of_loopback_{false};
  std::atomic<bool> spare_handshakes_of_loopback_{false};
  std::array<Shard, kShards> shards_;
};

// One connection of a client, counted from ClientTable::enter() until this is destroyed. Member of a
// ConnectionPermit.
class ClientEntry {
 public:
  ClientEntry() = default;
  // Takes over what enter() has counted.
  ClientEntry(std::shared_ptr<ClientTable> table, ClientTable::Key client) : table_(std::move(table)), key_(client) {}
  ClientEntry(ClientEntry&&) noexcept = default;
  // Swaps: what was counted here is given back when `other` is destroyed.
  ClientEntry& operator=(ClientEntry&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(key_, other.key_);
    return *this;
  }
  ~ClientEntry() {
    if (table_) table_->leave(key_);
  }

 private:
  std::shared_ptr<ClientTable> table_;
  ClientTable::Key key_ = 0;
};

}  // namespace gatehouse
