// Brings a configuration into force: builds its snapshot, binds its sockets, hands both to the workers. Whatever fails
// on the way leaves everything as it was. Has the workers and what they share. Owned by the Server; the control
// thread's.
//
//   SnapshotBuilder::build -> ListenerSockets::bind -> Dependencies::bound     each may fail: nothing has changed
//                                                            |
//        +---------------------------------------------------+
//        v                                                                     from here on nothing fails
//   SnapshotBuilder::settle -> ListenerSockets::commit -> UpstreamDirectory::configure -> WorkerGroup::adopt
//        -> SnapshotBuilder::committed -> UpstreamDirectory::forget_unused -> AltSvcWatch::adopt
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/discovery/registration_socket.h"
#include "proxy/discovery/registrations.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/metrics.h"
#include "proxy/runtime/alt_svc_watch.h"
#include "proxy/runtime/lasting_secrets.h"
#include "proxy/runtime/listener_sockets.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"
#include "proxy/runtime/worker_group.h"

namespace gatehouse {

class Rollout {
 public:
  // All that is referred to outlives the rollout, but for `server`, which is read by the constructor only.
  struct Dependencies {
    // The control thread's loop.
    EventLoop& control;
    AccessLog& access_log;
    Metrics& metrics;
    UpstreamDirectory& upstreams;
    ControlMetrics& counts;
    // Called on the workers' threads.
    FaultBuffer::HandOver faults;
    // How many client connections the process can carry.
    std::size_t connections;
    // For connections to endpoints.
    std::shared_ptr<DescriptorBudget> descriptors;
    // Of the first configuration: its secrets and its QUIC server id, which later configurations cannot change.
    const config::Server& server;
    const InheritedSockets& inherited;
    // Called in every put_into_force() when all sockets are bound, and nothing runs yet that did not before. Returns
    // the reason if it must not.
    std::function<Result<>(const config::Config&)> bound;
  };

  // Starts `workers` threads, which do nothing yet. The secrets of QUIC and of affinity cookies come from the server's
  // secret_file, or from the state directory, where they are made if need be. Where neither can be had, that is logged,
  // and they are good for this process only.
  Rollout(const Dependencies& dependencies, std::size_t workers);

  // Returns diagnostics, which say why not, or what to know about it; with an error among them nothing has changed.
  // Blocks until all workers have taken the configuration over, at most 5 s: one that is slower does so later, and a
  // warning says so. REQUIRES: a configuration without errors, for which `tls` was loaded.
  std::vector<config::Diagnostic> put_into_force(const config::Config& config, TlsMaterial tls);

  // What is in force. REQUIRES: put_into_force() has succeeded.
  const Snapshot& snapshot() const { return *snapshot_; }
  // The same for others to hold; null before.
  std::shared_ptr<const Snapshot> current() const { return snapshot_; }
  // Where the listeners of that snapshot are, by name.
  const std::map<std::string, BoundListener>& bound() const { return bound_; }
  // May be called before that, too.
  WorkerGroup& workers() { return workers_; }
  Registrations& registrations() { return registered_.all; }
  // Clients of h1 and h2 are told to forget HTTP/3, which ends soon.
  void withdraw_alt_svc() { alt_svc_.drain(); }

 private:
  // A socket for what the configuration reserves; null where there is one already, or none is needed.
  Result<std::unique_ptr<RegistrationSocket>> open_registrations(const config::Config& config);
  void publish(std::move_only_function<void()> done);
  // Sockets that were handed over and that nothing of the configuration serves.
  std::vector<std::string> unwanted(const config::Config& config, const Snapshot& snapshot) const;

  EventLoop& control_;
  UpstreamDirectory& upstreams_;
  const InheritedSockets& inherited_;
  const std::function<Result<>(const config::Config&)> all_bound_;
  // The workers refer to them.
  LastingSecrets secrets_;
  SnapshotBuilder builder_;
  std::shared_ptr<const Snapshot> snapshot_;
  // By listener name.
  std::map<std::string, BoundListener> bound_;
  WorkerGroup workers_;
  ListenerSockets sockets_;
  AltSvcWatch alt_svc_;
  struct Registered {
    Registrations all;
    // Where processes register; null while nothing is reserved.
    std::unique_ptr<RegistrationSocket> socket = nullptr;
  } registered_;
};

}  // namespace gatehouse
