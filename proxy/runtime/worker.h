// One thread's share of the server: its listeners and their connections, its pools of connections to endpoints, its
// counters and its part of the access log, all on one event loop. Made and destroyed by WorkerGroup on the loop's
// thread, and only called there (the control thread posts).
//
//   adopt: listeners_ [ ... ] --not in the snapshot--> ending_ [ ... ] --empty--> retired
//   drain: listeners_ [ ... ] --all of them----------> ending_ [ ... ] --empty--> retired; after the last: drained()
//                                   each is drained            (looked at every 20 ms; closed at its deadline)
//                                   where another listener takes its place (ListenerSockets): that one gets its TCP
//                                   socket, or it accepts a moment longer; QUIC packets are passed on between the two
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/event_loop.h"
#include "common/timer.h"
#include "proxy/http/exchange/exchange.h"
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
    // From 0 on; QUIC writes it into connection ids.
    std::size_t index;
    AccessLog& access_log;
    // Called on this worker's thread.
    FaultBuffer::HandOver faults;
    // Written by this worker only.
    WorkerMetrics& metrics;
    const QuicSecrets& secrets;
    // Of connections to endpoints, shared with the other workers.
    std::shared_ptr<DescriptorBudget> descriptors;
  };

  // Serves nothing until adopt() is called.
  Worker(EventLoop& loop, const Dependencies& dependencies);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // A new configuration, with sockets for those of its listeners that this worker does not have yet. Listeners that
  // stay go on with their connections. Those that are not in it drain for as long as its drain_timeout allows.
  void adopt(std::shared_ptr<const Snapshot> snapshot, std::vector<WorkerSocket> sockets);

  // A snapshot that differs from the one in force in what is registered, and in nothing else.
  void adopt_registered(std::shared_ptr<const Snapshot> snapshot);

  // Nothing new from now on, and idle connections to endpoints are closed. There is no deadline: what runs may take its
  // time until close_now(). `drained` is called once, from the loop and not from drain() itself, when nothing runs any
  // more and the access log has been handed over.
  void drain(std::move_only_function<void()> drained);
  // Endpoints of upstreams have come or gone.
  void refresh_upstreams() { pools_.refresh(); }
  // Breaks off what still runs on listeners that drain; after drain() these are all. Tunnels are told first, and get a
  // fifth of a second for their last words. `drained` is then called soon.
  void close_now();

 private:
  struct Ending {
    std::unique_ptr<WorkerListener> listener;
    // When what still runs is broken off.
    MonotonicTime deadline;
    // Its tunnels have been told that they end.
    bool tunnels_left = false;
    // It accepts until then.
    std::optional<MonotonicTime> accepts_until = {};
  };

  void add_listener(const ListenerSnapshot& listener, WorkerSocket socket);
  void adopt_upstreams();
  void retire_unwanted();
  // Ends it, and gives what comes to its socket to the listener that takes its place, if there is one.
  void retire(std::unique_ptr<WorkerListener> listener);
  // A QUIC datagram that `from` does not know, while listeners end: brings it to the one whose connection it is of, or
  // from one that ends to the one that takes its place. Returns false if there is none.
  bool pass_on(const WorkerListener& from, const UdpDatagram& datagram);
  void look_after_ending();
  void close_overdue(Ending& ending);

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
  // Null: the worker does not drain, or has.
  std::move_only_function<void()> drained_;
};

}  // namespace gatehouse
