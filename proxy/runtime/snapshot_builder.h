// From a valid configuration to the snapshot that workers run: certificates are loaded, routes and upstreams become
// their runtime forms. Keeps what must outlive a reload: endpoints, connection budgets, ticket keys, an access log that
// stays the same. Building changes nothing that runs. Owned by the Server; its thread.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/discovery/upstream_directory.h"
#include "proxy/frontend/tls/ticket_keys.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

// What binding told of a listener: where it really is, and whether UDP could be had.
struct BoundListener {
  std::uint16_t port = 0;
  bool tcp = false;
  bool quic = false;
};

class SnapshotBuilder {
 public:
  using Diagnostics = std::vector<config::Diagnostic>;

  // `connections`: how many client connections the process can carry (see descriptors.h). `directory` outlives it. What
  // signs affinity cookies is the same in every snapshot.
  SnapshotBuilder(std::size_t connections, UpstreamDirectory& directory, std::string affinity_key);

  // REQUIRES: a configuration without errors. `current` may be null.
  std::expected<Snapshot, Diagnostics> build(const config::Config& config, const Snapshot* current);

  // Fills in what depends on the sockets: ports, and Alt-Svc where QUIC is alive. `bound` is by listener name.
  static void settle(Snapshot& snapshot, const config::Config& config,
                     const std::map<std::string, BoundListener>& bound);

  // The snapshot is in force: budgets take its limits, what nobody uses any more is forgotten.
  void committed(const config::Config& config);

 private:
  std::shared_ptr<TicketKeys> ticket_keys_of(const config::Tls& tls, Diagnostics& diagnostics);
  std::shared_ptr<const TlsContexts> build_tls(const config::Listener& listener, Diagnostics& diagnostics);
  ListenerSnapshot build_listener(const config::Config& config, const config::Listener& listener, std::string name,
                                  Diagnostics& diagnostics);
  void build_upstreams(const config::Config& config, Snapshot& snapshot);
  std::vector<Route> build_routes(const config::Config& config, const Snapshot& snapshot) const;
  std::string pseudonym(std::string_view kind, std::string_view name) const;
  std::shared_ptr<ConnectionBudget> budget_of(const std::string& listener);

  const std::size_t connections_;
  UpstreamDirectory& directory_;
  const std::string affinity_key_;
  const std::string pseudonym_key_;  // of this process alone: another Gatehouse on the way is no loop
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::shared_ptr<ConnectionBudget> process_budget_;
  std::map<std::string, std::shared_ptr<ConnectionBudget>> budgets_;
  std::uint64_t generation_ = 0;
};

// A name for each listener, in their order: its address, numbered where several have the same (with port 0).
std::vector<std::string> listener_names(const config::Config& config);

// The name of a route in logs and metrics: its first host (or *) and its path.
std::string route_name(const config::Route& route);

}  // namespace gatehouse
