#include "proxy/frontend/client_table.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "common/crypto/random.h"

namespace gatehouse {

namespace {

Duration::rep count_of(MonotonicTime time) {
  return std::chrono::duration_cast<Duration>(time.time_since_epoch()).count();
}

}  // namespace

std::optional<ClientTable::Key> ClientTable::key_of(const Address& address) {
  if (address.family() == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr.s_addr);
  }
  if (address.family() != AF_INET6) return std::nullopt;
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&ip);
  Key key = 0;
  for (const std::uint8_t byte : mapped ? std::span(ip.s6_addr).subspan(12, 4) : std::span(ip.s6_addr).first(8)) {
    key = key << 8 | byte;
  }
  return key;
}

ClientTable::ClientTable() : seed_(random::secret()) {}

void ClientTable::set_limits(const ClientLimits& limits) {
  most_connections_.store(limits.connections, std::memory_order_relaxed);
  most_handshakes_.store(limits.handshakes, std::memory_order_relaxed);
  period_.store(limits.period.count(), std::memory_order_relaxed);
  spare_connections_of_loopback_.store(limits.spare_connections_of_loopback, std::memory_order_relaxed);
  spare_handshakes_of_loopback_.store(limits.spare_handshakes_of_loopback, std::memory_order_relaxed);
}

ClientLimits ClientTable::limits() const {
  return {.connections = most_connections_.load(std::memory_order_relaxed),
          .handshakes = most_handshakes_.load(std::memory_order_relaxed),
          .period = Duration(period_.load(std::memory_order_relaxed)),
          .spare_connections_of_loopback = spare_connections_of_loopback_.load(std::memory_order_relaxed),
          .spare_handshakes_of_loopback = spare_handshakes_of_loopback_.load(std::memory_order_relaxed)};
}

bool ClientTable::limits_connections(bool loopback) const {
  if (most_connections_.load(std::memory_order_relaxed) == 0) return false;
  return !(loopback && spare_connections_of_loopback_.load(std::memory_order_relaxed));
}

bool ClientTable::limits_handshakes(bool loopback) const {
  if (most_handshakes_.load(std::memory_order_relaxed) == 0) return false;
  return !(loopback && spare_handshakes_of_loopback_.load(std::memory_order_relaxed));
}

std::optional<ConnectionRefusal> ClientTable::enter(Key client) {
  Shard& shard = shard_of(client);
  const std::scoped_lock lock(shard.mutex);
  const auto [known, is_new] = shard.open.try_emplace(client, 0);
  const std::uint32_t most = most_connections_.load(std::memory_order_relaxed);
  if (most != 0 && known->second >= most) {
    if (is_new) shard.open.erase(known);
    return ConnectionRefusal::kClientConnections;
  }
  ++known->second;
  return std::nullopt;
}

void ClientTable::leave(Key client) {
  Shard& shard = shard_of(client);
  const std::scoped_lock lock(shard.mutex);
  const auto known = shard.open.find(client);
  if (known != shard.open.end() && --known->second == 0) shard.open.erase(known);
}

std::optional<ConnectionRefusal> ClientTable::begin_handshake(Key client, MonotonicTime now) {
  const Duration::rep moment = count_of(now);
  const Duration::rep period = period_.load(std::memory_order_relaxed);
  const std::uint32_t most = most_handshakes_.load(std::memory_order_relaxed);
  if (most == 0) return std::nullopt;
  Shard& shard = shard_of(client);
  const std::scoped_lock lock(shard.mutex);
  Slot& slot = slot_of(shard, client);
  const bool known = slot.client == client && slot.full_at > moment;
  const Duration::rep full_at = (known ? slot.full_at : moment) + period / most;
  if (full_at - moment > period) return ConnectionRefusal::kClientHandshakes;
  slot = {.client = client, .full_at = full_at};
  return std::nullopt;
}

bool ClientTable::at_a_limit(Key client, MonotonicTime now) {
  const std::uint32_t connections = most_connections_.load(std::memory_order_relaxed);
  const std::uint32_t handshakes = most_handshakes_.load(std::memory_order_relaxed);
  const Duration::rep period = period_.load(std::memory_order_relaxed);
  Shard& shard = shard_of(client);
  const std::scoped_lock lock(shard.mutex);
  const auto known = shard.open.find(client);
  if (connections != 0 && known != shard.open.end() && known->second >= connections) return true;
  const Slot& slot = slot_of(shard, client);
  return handshakes != 0 && slot.client == client && slot.full_at + period / handshakes - count_of(now) > period;
}

std::size_t ClientTable::known_clients() const {
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    count += shard.open.size();
  }
  return count;
}

// Nobody can choose addresses that meet in one set: the seed is not known.
std::uint64_t ClientTable::hash(Key client) const {
  std::uint64_t x = client + seed_;
  x = (x ^ x >> 30U) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27U) * 0x94d049bb133111ebU;
  return x ^ x >> 31U;
}

// That of the client, or the one that says least: the soonest full, which may have been long ago.
ClientTable::Slot& ClientTable::slot_of(Shard& shard, Key client) {
  const std::size_t set = hash(client) / kShards % kSets;
  const std::span<Slot> ways = std::span(shard.slots).subspan(set * kWays, kWays);
  const auto known = std::ranges::find(ways, client, &Slot::client);
  return known != ways.end() ? *known : *std::ranges::min_element(ways, {}, &Slot::full_at);
}

}  // namespace gatehouse
