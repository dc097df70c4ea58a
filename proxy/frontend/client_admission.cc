#include "proxy/frontend/client_admission.h"

#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/frontend/client_table.h"

namespace gatehouse::client_admission {

namespace {

constinit log::Limited too_many_connections("connections beyond those that one client may have");
constinit log::Limited too_many_handshakes("handshakes beyond those that one client may begin");

ClientTable* table_for(const ListenerContext& context, const Address& client) {
  if (!context.budget || context.policy->trusts(client)) return nullptr;
  return context.budget->clients().get();
}

void refused(const ListenerContext& context, const Address& client, ConnectionRefusal why) {
  const ClientTable& table = *context.budget->clients();
  context.counters.refused[static_cast<std::size_t>(why)].add();
  const std::string& name = context.policy->name;
  if (why == ConnectionRefusal::kClientConnections) {
    too_many_connections.info("refused a connection of {} on {}: limits.max_connections_per_client is {}",
                              client.host(), name, table.limits().connections);
  } else {
    const ClientLimits limits = table.limits();
    too_many_handshakes.info("refused a connection of {} on {}: limits.max_handshakes_per_client is {} in {} s",
                             client.host(), name, limits.handshakes,
                             std::chrono::duration<double>(limits.period).count());
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
