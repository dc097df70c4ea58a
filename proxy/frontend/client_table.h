// How much each client address uses of the process: the connections that it has open, and the handshakes that it has
// begun lately. Shared by all workers and listeners; any thread, a mutex for a part of the addresses each. Memory is
// bounded whoever comes: an address is counted for as long as it has a connection, and of the handshakes a table of
// fixed size knows those addresses that are nearest to their limit.
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

// So much may one address use; 0: no limit.
struct ClientLimits {
  std::uint32_t connections = 0;  // open at a time
  std::uint32_t handshakes = 0;   // in `period`: so many at once, and then as time refills them
  Duration period = std::chrono::seconds(1);
  // Loopback is where balancers and tunnels stand, whose address is everybody's.
  bool spare_connections_of_loopback = false;
  bool spare_handshakes_of_loopback = false;
};

class ClientTable {
 public:
  // A client is an address of IPv4 or a /64 of IPv6, which is what one customer has. None: a Unix socket.
  using Key = std::uint64_t;
  static std::optional<Key> key_of(const Address& address);

  ClientTable();
  ClientTable(const ClientTable&) = delete;
  ClientTable& operator=(const ClientTable&) = delete;

  void set_limits(const ClientLimits& limits);

  // One more connection of that client, counted if nothing is said against it. The caller gives it back by leave().
  std::optional<ConnectionRefusal> enter(Key client);
  void leave(Key client);
  // One more handshake of that client, counted likewise.
  std::optional<ConnectionRefusal> begin_handshake(Key client, MonotonicTime now);
  // What enter() and begin_handshake() would say; nothing is counted. For clients whose address is not proven.
  bool at_a_limit(Key client, MonotonicTime now);

  bool limits_connections(bool loopback) const;
  bool limits_handshakes(bool loopback) const;

  std::size_t known_clients() const;  // with a connection open

 private:
  static constexpr std::size_t kShards = 32;
  static constexpr std::size_t kSets = 64;  // of a shard
  static constexpr std::size_t kWays = 8;   // slots of a set
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
  Slot& slot_of(Shard& shard, Key client);

  const std::uint64_t seed_;
  std::atomic<std::uint32_t> most_connections_{0};
  std::atomic<std::uint32_t> most_handshakes_{0};
  std::atomic<Duration::rep> period_{Duration(std::chrono::seconds(1)).count()};
  std::atomic<bool> spare_connections_of_loopback_{false};
  std::atomic<bool> spare_handshakes_of_loopback_{false};
  std::array<Shard, kShards> shards_;
};

// One connection of a client, counted from ClientTable::enter() until this is destroyed.
class ClientEntry {
 public:
  ClientEntry() = default;
  ClientEntry(std::shared_ptr<ClientTable> table, ClientTable::Key client) : table_(std::move(table)), key_(client) {}
  ClientEntry(ClientEntry&&) noexcept = default;
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
