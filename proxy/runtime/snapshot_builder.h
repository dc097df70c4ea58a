// From a valid configuration, and the TLS material that was loaded for it, to the snapshot that workers run: listeners,
// routes and upstreams become their runtime forms. Keeps what must outlive a reload: connection budgets.
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
#include "proxy/files/file_pool.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/http/alt_svc_state.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/tls_material.h"

namespace gatehouse {

// What binding told of a listener: where it really is, and whether UDP could be had.
struct BoundListener {
  // The port that it really has, of TCP and UDP alike; 0: a Unix socket.
  std::uint16_t port = 0;
  bool tcp = false;
  bool quic = false;
  // Where it is bound, with that port.
  Address address = {};
  // TCP addresses that are part of that one, whose sockets it has taken over from listeners that have gone: to close a
  // socket would refuse those that have just come to it.
  std::vector<Address> inherited = {};
  // Made with the first UDP sockets, and kept when they go: clients still know of them. Null: there never were any.
  std::shared_ptr<AltSvcState> alt_svc_state = {};
  // Of the UDP sockets; empty without.
  std::vector<std::shared_ptr<QuicGroup>> groups = {};
};

class SnapshotBuilder {
 public:
  using Diagnostics = std::vector<config::Diagnostic>;

  // `connections`: how many client connections the process can carry (see proxy/system/descriptors.h). `directory`
  // outlives it. `affinity_key` makes the affinity cookies of every snapshot.
  SnapshotBuilder(std::size_t connections, UpstreamDirectory& directory, std::string affinity_key);

  // Returns a snapshot that workers may run once it is settled, or what is wrong with the access log's file. `current`
  // is the snapshot in force, whose access log is kept if it is to have the same output and format, and whose routes
  // keep their throttles if name and bandwidth are the same; null: there is none. REQUIRES: a configuration without
  // errors, for which `tls` was loaded.
  std::expected<Snapshot, Diagnostics> build(const config::Config& config, TlsMaterial tls, const Snapshot* current);

  // Fills in what depends on the sockets: ports, Alt-Svc where there is QUIC (RFC 7838), and that a listener does not
  // speak h3 where UDP could not be bound. `bound` is by listener name. REQUIRES: `snapshot` is the one that was built
  // of `config`.
  static void settle(Snapshot& snapshot, const config::Config& config,
                     const std::map<std::string, BoundListener>& bound);

  // The snapshot of this configuration is in force: connection budgets take its limits, and those that nobody uses any
  // more are forgotten.
  void committed(const config::Config& config);

 private:
  // Of each route.
  using AuthGates = std::vector<std::shared_ptr<const AuthGate>>;

  ListenerSnapshot build_listener(const config::Config& config, const config::Listener& listener, std::string name);
  void build_upstreams(const config::Config& config, Snapshot& snapshot);
  // What becomes of a request; false: it names an upstream that is not there, as a valid configuration does not.
  bool build_action(const config::Config& config, const config::Route& source, const Snapshot& snapshot,
                    Route& route) const;
  std::vector<Route> build_routes(const config::Config& config, const Snapshot& snapshot, const Snapshot* current,
                                  const AuthGates& auth) const;
  std::string pseudonym(std::string_view kind, std::string_view name) const;
  std::shared_ptr<ConnectionBudget> budget_of(const std::string& listener);

  std::shared_ptr<const cache::Policy> cache_policy(const config::Config& config, const config::Route& route) const;

  const std::size_t connections_;
  UpstreamDirectory& directory_;
  const std::string affinity_key_;
  // Makes the names that Via calls us by. Of this process alone: another Gatehouse on the way is no loop.
  const std::string pseudonym_key_;
  // For the files of all routes.
  const std::shared_ptr<FilePool> file_pool_ = std::make_shared<FilePool>();
  std::shared_ptr<ConnectionBudget> process_budget_;
  const std::shared_ptr<cache::Cache> cache_;
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
