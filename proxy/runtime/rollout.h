// Brings a configuration into force: builds its snapshot, binds its sockets, hands both to the workers. Whatever fails
// on the way leaves everything as it was. Has the workers and what they share. Owned by the Server; its thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/observe/access_log.h"
#include "proxy/observe/metrics.h"
#include "proxy/runtime/listener_sockets.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"
#include "proxy/runtime/worker_group.h"

namespace gatehouse {

class Rollout {
 public:
  struct Dependencies {
    EventLoop& control;
    AccessLog& access_log;
    Metrics& metrics;
    UpstreamDirectory& upstreams;
    FaultBuffer::HandOver faults;
    std::size_t connections;                        // of clients that the process can carry
    std::shared_ptr<DescriptorBudget> descriptors;  // for those to endpoints
    const config::Server& server;                   // of the first configuration: what later ones cannot change
    const InheritedSockets& inherited;
    // All sockets are bound, and nothing runs yet that did not before; the reason if it must not.
    std::function<Result<>(const config::Config&)> bound;
  };

  // Starts `workers` threads, which do nothing yet.
  Rollout(const Dependencies& dependencies, std::size_t workers);

  // The diagnostics say why not, or what to know about it; with an error among them nothing has changed.
  std::vector<config::Diagnostic> put_into_force(const config::Config& config);

  // After put_into_force() has succeeded for the first time:
  const Snapshot& snapshot() const { return *snapshot_; }
  const std::map<std::string, BoundListener>& bound() const { return bound_; }
  WorkerGroup& workers() { return workers_; }

 private:
  std::vector<std::string> unwanted(const config::Config& config, const Snapshot& snapshot) const;

  UpstreamDirectory& upstreams_;
  const InheritedSockets& inherited_;
  const std::function<Result<>(const config::Config&)> all_bound_;
  QuicSecrets secrets_;
  SnapshotBuilder builder_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::map<std::string, BoundListener> bound_;  // by listener name
  WorkerGroup workers_;
  ListenerSockets sockets_;
};

}  // namespace gatehouse
