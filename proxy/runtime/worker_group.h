// The worker threads as the control thread sees them: starts them, hands them configurations, drains and ends them.
// Owned by the Server; its thread. The loops live until stop(), so posting to them is always safe.
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
  struct Dependencies {
    EventLoop& control;
    AccessLog& access_log;
    FaultBuffer::HandOver faults;
    const QuicSecrets& secrets;
    std::shared_ptr<DescriptorBudget> descriptors;  // for connections to endpoints, of all workers together
  };

  // Returns when every loop runs. `metrics`: one for each worker.
  WorkerGroup(const Dependencies& dependencies, std::vector<std::shared_ptr<WorkerMetrics>> metrics);
  ~WorkerGroup();  // stop()
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  std::size_t size() const { return threads_.size(); }
  std::vector<EventLoop*> loops() const;  // for posting

  // Hands each worker its sockets and the snapshot, and waits until all have taken them over, `patience` at most; false
  // if one has not by then (it will later).
  bool adopt(const std::shared_ptr<const Snapshot>& snapshot, std::vector<std::vector<WorkerSocket>> sockets,
             std::chrono::milliseconds patience);

  // `drained` is called on the control thread when no worker has anything left to do.
  void drain(std::move_only_function<void()> drained);
  void refresh_upstreams();  // their endpoints have changed
  void close_now();
  void stop();  // ends the loops and waits for the threads

 private:
  struct Thread;
  static void run(Thread& self, const Dependencies& dependencies, WorkerMetrics& metrics);

  EventLoop& control_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::size_t draining_ = 0;
  std::move_only_function<void()> drained_;
};

// CPUs that the process may use.
std::size_t available_cpus();

}  // namespace gatehouse
