#include "proxy/runtime/worker_group.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <format>
#include <future>
#include <mutex>
#include <utility>

namespace gatehouse {

struct WorkerGroup::Thread {
  std::size_t index = 0;
  EventLoop* loop = nullptr;  // both set before the thread says that it is ready
  Worker* worker = nullptr;
  std::promise<void> ready;
  std::promise<void> released;  // nobody touches the loop any more
  std::thread thread;
};

WorkerGroup::WorkerGroup(const Dependencies& dependencies, std::vector<std::shared_ptr<WorkerMetrics>> metrics)
    : control_(dependencies.control) {
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    threads_.push_back(std::make_unique<Thread>());
    Thread& thread = *threads_.back();
    thread.index = i;
    auto ready = thread.ready.get_future();
    thread.thread = std::thread([&thread, dependencies, held = metrics[i]] { run(thread, dependencies, *held); });
    ready.wait();
  }
}

WorkerGroup::~WorkerGroup() {
  stop();
}

void WorkerGroup::run(Thread& self, const Dependencies& dependencies, WorkerMetrics& metrics) {
  pthread_setname_np(pthread_self(), std::format("worker-{}", self.index).c_str());
  EventLoop loop;
  Worker worker(loop, {.index = self.index,
                       .access_log = dependencies.access_log,
                       .faults = dependencies.faults,
                       .metrics = metrics,
                       .secrets = dependencies.secrets,
                       .descriptors = dependencies.descriptors});
  self.loop = &loop;
  self.worker = &worker;
  self.ready.set_value();
  loop.run();
  // stop() and post() still touch the loop after it has woken up because of them.
  self.released.get_future().wait();
}

std::vector<EventLoop*> WorkerGroup::loops() const {
  std::vector<EventLoop*> loops;
  for (const auto& thread : threads_) loops.push_back(thread->loop);
  return loops;
}

bool WorkerGroup::adopt(const std::shared_ptr<const Snapshot>& snapshot, std::vector<std::vector<WorkerSocket>> sockets,
                        std::chrono::milliseconds patience) {
  // Shared with the tasks: a worker may come to it after the wait is over.
  struct Tally {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing;
  };
  const auto tally = std::make_shared<Tally>();
  tally->missing = threads_.size();
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Worker* worker = threads_[i]->worker;
    threads_[i]->loop->post([worker, held = snapshot, mine = std::move(sockets[i]), tally]() mutable {
      worker->adopt(std::move(held), std::move(mine));
      const std::lock_guard lock(tally->mutex);
      if (--tally->missing == 0) tally->changed.notify_one();
    });
  }
  std::unique_lock lock(tally->mutex);
  return tally->changed.wait_for(lock, patience, [&tally] { return tally->missing == 0; });
}

// The last of them posts it.
void WorkerGroup::adopt_registered(const std::shared_ptr<const Snapshot>& snapshot,
                                   std::move_only_function<void()> adopted) {
  struct Call {
    EventLoop& control;
    std::move_only_function<void()> adopted;
    std::atomic<std::size_t> missing;
  };
  const auto call = std::make_shared<Call>(control_, std::move(adopted), threads_.size());
  for (const auto& thread : threads_) {
    thread->loop->post([worker = thread->worker, held = snapshot, call]() mutable {
      worker->adopt_registered(std::move(held));
      if (--call->missing == 0) call->control.post(std::move(call->adopted));
    });
  }
}

void WorkerGroup::drain(std::move_only_function<void()> drained) {
  drained_ = std::move(drained);
  draining_ = threads_.size();
  for (const auto& thread : threads_) {
    thread->loop->post([this, worker = thread->worker] { worker->drain([this] { tell_drained(); }); });
  }
}

void WorkerGroup::tell_drained() {
  control_.post([this] {
    if (--draining_ == 0) drained_();
  });
}

void WorkerGroup::refresh_upstreams() {
  for (const auto& thread : threads_) {
    thread->loop->post([worker = thread->worker] { worker->refresh_upstreams(); });
  }
}

void WorkerGroup::close_now() {
  for (const auto& thread : threads_) {
    thread->loop->post([worker = thread->worker] { worker->close_now(); });
  }
}

void WorkerGroup::stop() {
  for (const auto& thread : threads_) {
    if (thread->thread.joinable()) thread->loop->stop();
  }
  for (const auto& thread : threads_) {
    if (!thread->thread.joinable()) continue;
    thread->released.set_value();
    thread->thread.join();
  }
}

std::size_t available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace gatehouse
