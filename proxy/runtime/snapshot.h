// The immutable runtime form of one configuration: what workers need of it. Made by SnapshotBuilder on the control
// thread, then only read; each worker holds it by a shared_ptr that a posted task replaces, and exchanges keep alive
// what they began with.
//
// What it points to is of two kinds: made for this snapshot alone (policies, TLS contexts, routes, upstreams), or
// shared with the snapshots before and after it (budgets, memberships, ticket keys, an access log that stays the same).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/crypto/tls_client.h"
#include "config/policy/limits.h"
#include "proxy/cache/cache.h"
#include "proxy/forward/registered_routes.h"
#include "proxy/forward/route_table.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/quic/quic_options.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "proxy/http/client_info.h"
#include "proxy/observe/access_log_sink.h"
#include "proxy/observe/redaction.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

struct ListenerSnapshot {
  // Its address as configured: the same listener after a reload has the same name.
  std::string name;
  // Its address as configured, port 0 included; where it is bound BoundListener says.
  Address address;
  std::shared_ptr<const ListenerPolicy> policy;
  // Null: cleartext.
  std::shared_ptr<const TlsContexts> tls;
  // Of client connections, over all workers.
  std::shared_ptr<ConnectionBudget> budget;
  bool speaks_h1 = false;
  bool speaks_h2 = false;
  // False as well where UDP could not be bound.
  bool speaks_h3 = false;
  // Read when the QUIC side is made: a listener that stays keeps those that it began with.
  QuicOptions quic;

  bool uses_tcp() const { return speaks_h1 || speaks_h2; }
};

// What a configuration says of routes that it does not name.
struct RegisteredRouteForm {
  ExchangeLimits limits;
  std::string pseudonym;
  UpstreamOptions options;
};

struct Snapshot {
  // The number of the build that made it, from 1 on. Builds that failed count, so some numbers are never in force.
  std::uint64_t generation = 0;
  // In the order of the configuration.
  std::vector<ListenerSnapshot> listeners;
  std::shared_ptr<const RouteTable> routes;
  // What every registered route begins with; null: nothing is reserved.
  std::shared_ptr<const RegisteredRouteForm> registered_form;
  // What is registered; null: nothing. The one member that changes without a new configuration, in a snapshot that is
  // otherwise a copy.
  std::shared_ptr<const RegisteredRoutes> registered;
  // Of upstreams and of apps.
  std::vector<std::shared_ptr<const Upstream>> upstreams;
  // What we are to the endpoints of an upstream by TLS, by the upstream's name.
  TlsClients tls_clients;
  // Null: there is none.
  std::shared_ptr<AccessLogSink> access_log;
  std::shared_ptr<const Redaction> redaction;
  // What routes store, the same as before and after it. Never null once built.
  std::shared_ptr<cache::Cache> cache;
  // How long what runs may go on when a listener goes, or the process.
  std::chrono::milliseconds drain_timeout = defaults::kDrainTimeout;
};

}  // namespace gatehouse
