// The immutable runtime form of one configuration: what workers need of it. Made by SnapshotBuilder on the control
// thread, then only read; each worker holds it by a shared_ptr that a posted task replaces, and exchanges keep alive
// what they began with.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
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
  std::string name;  // its address as configured: the same listener after a reload has the same name
  Address address;
  std::shared_ptr<const ListenerPolicy> policy;
  std::shared_ptr<const TlsContexts> tls;  // null: cleartext
  std::shared_ptr<ConnectionBudget> budget;
  bool speaks_h1 = false;
  bool speaks_h2 = false;
  bool speaks_h3 = false;  // false as well where UDP could not be bound
  QuicOptions quic;

  bool uses_tcp() const { return speaks_h1 || speaks_h2; }
};

struct Snapshot {
  std::uint64_t generation = 0;
  std::vector<ListenerSnapshot> listeners;
  std::shared_ptr<const RouteTable> routes;
  std::vector<std::shared_ptr<const Upstream>> upstreams;
  std::shared_ptr<AccessLogSink> access_log;  // null: off
  std::shared_ptr<const Redaction> redaction;
  std::chrono::milliseconds drain_timeout{30'000};
};

}  // namespace gatehouse
