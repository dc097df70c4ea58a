#include "proxy/frontend/client_admission.h"

#include <array>
#include <atomic>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"
#include "proxy/frontend/client_table.h"

namespace gatehouse::client_admission {

namespace {

// One line a second of each kind, for all workers: clients can cause as many as they like.
bool may_tell(ConnectionRefusal why, MonotonicTime now) {
  static std::array<std::atomic<MonotonicTime>, kConnectionRefusalCount> not_before;
  std::atomic<MonotonicTime>& next = not_before[static_cast<std::size_t>(why)];
  MonotonicTime seen = next.load(std::memory_order_relaxed);
  return now >= seen && next.compare_exchange_strong(seen, now + std::chrono::seconds(1), std::memory_order_relaxed);
}

ClientTable* table_for(const ListenerContext& context, const Address& client) {
  if (!context.budget || context.policy->trusts(client)) return nullptr;
  return context.budget->clients().get();
}

void refused(const ListenerContext& context, const Address& client, ConnectionRefusal why) {
  context.counters.refused[static_cast<std::size_t>(why)].add();
  if (!may_tell(why, context.loop.now())) return;
  const std::string& name = context.policy->name;
  if (why == ConnectionRefusal::kClientConnections) {
    log::info("refused a connection of {} on {}: it has as many as one client may have", client.host(), name);
  } else {
    log::info("refused a connection of {} on {}: too many handshakes for one client", client.host(), name);
  }
}

}  // namespace

bool admit(const ListenerContext& context, const Address& client, ConnectionPermit& permit) {
  ClientTable* const table = table_for(context, client);
  const auto key = table != nullptr ? ClientTable::key_of(client) : std::nullopt;
  if (!key) return true;
  const bool loopback = client.is_loopback();
  if (context.tls && table->limits_handshakes(loopback)) {
    if (const auto why = table->begin_handshake(*key, context.loop.now())) {
      refused(context, client, *why);
      return false;
    }
  }
  if (!table->limits_connections(loopback)) return true;
  if (const auto why = table->enter(*key)) {
    refused(context, client, *why);
    return false;
  }
  permit.count_for(ClientEntry(context.budget->clients(), *key));
  return true;
}

bool would_refuse(const ListenerContext& context, const Address& client) {
  ClientTable* const table = table_for(context, client);
  const auto key = table != nullptr ? ClientTable::key_of(client) : std::nullopt;
  if (!key) return false;
  const bool loopback = client.is_loopback();
  return (table->limits_handshakes(loopback) || table->limits_connections(loopback)) &&
         table->at_a_limit(*key, context.loop.now());
}

}  // namespace gatehouse::client_admission
