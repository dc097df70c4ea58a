// The worker threads as the control thread sees them: starts them, hands them configurations, drains and ends them.
// Owned by the Rollout; the control thread's. The loops live until stop(): posting to them is safe until then. Nothing
// but stop() and adopt() waits for a worker.
//
//   control thread                            worker thread
//   WorkerGroup --post adopt, drain, ...--->  EventLoop, Worker: both live on the thread's stack
//       drained <--post----------------------
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "proxy/runtime/worker.h"

namespace gatehouse {

class WorkerGroup {
 public:
  // All that is referred to outlives the group.
  struct Dependencies {
    // The control thread's loop.
    EventLoop& control;
    AccessLog& access_log;
    // Called on the workers' threads.
    FaultBuffer::HandOver faults;
    const QuicSecrets& secrets;
    // For connections to endpoints, of all workers together.
    std::shared_ptr<DescriptorBudget> descriptors;
  };

  // Starts a thread for each of `metrics`, and returns when every worker is made and can be posted to.
  WorkerGroup(const Dependencies& dependencies, std::vector<std::shared_ptr<WorkerMetrics>> metrics);
  // Stops the workers if stop() was not called.
  ~WorkerGroup();
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  std::size_t size() const { return threads_.size(); }
  // The loops of the workers, by their index, for posting to.
  std::vector<EventLoop*> loops() const;

  // Hands each worker its sockets and the snapshot, and waits until all have taken them over, `patience` at most.
  // Returns false if one has not by then (it will later). REQUIRES: `sockets` has an entry for each worker.
  bool adopt(const std::shared_ptr<const Snapshot>& snapshot, std::vector<std::vector<WorkerSocket>> sockets,
             std::chrono::milliseconds patience);

  // Hands each worker a snapshot that differs from the one in force in what is registered. `adopted` is called once, on
  // the control thread, when all have it; in the order of the calls.
  void adopt_registered(const std::shared_ptr<const Snapshot>& snapshot, std::move_only_function<void()> adopted);

  // `drained` is called once, on the control thread, when no worker has anything left to do. The group still lives
  // then.
  void drain(std::move_only_function<void()> drained);
  // Endpoints have come or gone: the workers close idle connections to those that are gone.
  void refresh_upstreams();
  // Breaks off what still runs on listeners that drain; after drain() these are all.
  void close_now();
  // Ends the loops and waits for the threads, whatever runs. May be called twice.
  void stop();

 private:
  struct Thread;
  static void run(Thread& self, const Dependencies& dependencies, WorkerMetrics& metrics);
  // Called on the thread of a worker that has nothing left to do.
  void tell_drained();

  EventLoop& control_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::size_t draining_ = 0;
  std::move_only_function<void()> drained_;
};

// How many CPUs the process may use (its affinity, not its cgroup's quota), at least 1.
std::size_t available_cpus();

}  // namespace gatehouse
