// One thread's share of the server: its listeners and their connections, its pools of connections to endpoints, its
// counters and its part of the access log, all on one event loop. Made and destroyed on the loop's thread, and only
// called there (the control thread posts).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "common/event_loop.h"
#include "common/timer.h"
#include "proxy/http/exchange.h"
#include "proxy/observe/access_log_buffer.h"
#include "proxy/observe/fault_buffer.h"
#include "proxy/observe/worker_metrics.h"
#include "proxy/observe/worker_observer.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/worker_listener.h"
#include "proxy/upstream/upstream_pools.h"

namespace gatehouse {

class Worker {
 public:
  // What a worker has of the server; all of it outlives the worker.
  struct Dependencies {
    std::size_t index;
    AccessLog& access_log;
    FaultBuffer::HandOver faults;
    WorkerMetrics& metrics;
    const QuicSecrets& secrets;
    std::shared_ptr<DescriptorBudget> descriptors;
  };

  Worker(EventLoop& loop, const Dependencies& dependencies);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // A new configuration, with sockets for those of its listeners that this worker does not have yet. Listeners that are
  // not in it drain for as long as the configuration allows.
  void adopt(std::shared_ptr<const Snapshot> snapshot, std::vector<WorkerSocket> sockets);

  // Nothing new from now on; `drained` is called once when nothing runs any more.
  void drain(std::move_only_function<void()> drained);
  void refresh_upstreams() { pools_.refresh(); }  // their endpoints have changed
  void close_now();                               // what runs is broken off

 private:
  struct Ending {
    std::unique_ptr<WorkerListener> listener;
    MonotonicTime deadline;
  };

  void add_listener(const ListenerSnapshot& listener, WorkerSocket socket);
  void retire_unwanted();
  void look_after_ending();

  EventLoop& loop_;
  const Dependencies dependencies_;
  AccessLogBuffer access_log_;
  FaultBuffer faults_;
  WorkerObserver observer_;
  std::shared_ptr<const Snapshot> snapshot_;
  UpstreamPools pools_;
  ExchangeContext exchanges_;
  std::vector<std::unique_ptr<WorkerListener>> listeners_;
  std::vector<Ending> ending_;
  Timer ending_check_;
  std::move_only_function<void()> drained_;
};

}  // namespace gatehouse
