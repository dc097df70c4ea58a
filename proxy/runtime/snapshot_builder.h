// From a valid configuration to the snapshot that workers run: certificates are loaded, routes and upstreams become
// their runtime forms. Keeps what must outlive a reload: connection budgets and the ticket keys that come from no file.
// (Memberships and endpoints are kept by the UpstreamDirectory; an access log that stays the same is taken from the
// current snapshot.) Building changes nothing that runs. Owned by the Rollout, or by a dry run; its owner's thread.
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
  // The port that it really has, of TCP and UDP alike; 0: a Unix socket.
  std::uint16_t port = 0;
  bool tcp = false;
  bool quic = false;
};

class SnapshotBuilder {
 public:
  using Diagnostics = std::vector<config::Diagnostic>;

  // `connections`: how many client connections the process can carry (see proxy/system/descriptors.h). `directory`
  // outlives it. `affinity_key` makes the affinity cookies of every snapshot.
  SnapshotBuilder(std::size_t connections, UpstreamDirectory& directory, std::string affinity_key);

  // Returns a snapshot that workers may run once it is settled, or all that is wrong with certificates, ticket keys and
  // the access log's file. `current` is the snapshot in force, whose access log is kept if it is to have the same
  // output and format; null: there is none. REQUIRES: a configuration without errors.
  std::expected<Snapshot, Diagnostics> build(const config::Config& config, const Snapshot* current);

  // Fills in what depends on the sockets: ports, Alt-Svc where QUIC is alive (RFC 7838), and that a listener does not
  // speak h3 where UDP could not be bound. `bound` is by listener name. REQUIRES: `snapshot` is the one that was built
  // of `config`.
  static void settle(Snapshot& snapshot, const config::Config& config,
                     const std::map<std::string, BoundListener>& bound);

  // The snapshot of this configuration is in force: connection budgets take its limits, and those that nobody uses any
  // more are forgotten.
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
  // Makes the names that Via calls us by. Of this process alone: another Gatehouse on the way is no loop.
  const std::string pseudonym_key_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::shared_ptr<ConnectionBudget> process_budget_;
  // By listener name.
  std::map<std::string, std::shared_ptr<ConnectionBudget>> budgets_;
  std::uint64_t generation_ = 0;
};

// A name for each listener, in their order: its address (":443" where that is every address), numbered where several
// have the same (with port 0): "127.0.0.1:0", "127.0.0.1:0#2".
std::vector<std::string> listener_names(const config::Config& config);

// The name of a route in logs and metrics: its first host (or *) and its path.
std::string route_name(const config::Route& route);

}  // namespace gatehouse
