#include "proxy/files/file_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <tuple>

namespace gatehouse {

// Guarded by the mutex of the queue.
class FilePool::Lane {
 public:
  std::deque<Errand> waiting;
  // How many of them have a turn in the queue, and how many others run.
  std::size_t turns = 0;
  std::size_t running = 0;
};

struct FilePool::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  // Each stands for one errand of a lane.
  std::deque<std::shared_ptr<Lane>> turns;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool closed = false;

  // Gives turns to as many errands of the lane as may run.
  void admit(const std::shared_ptr<Lane>& lane) {
    while (lane->turns < lane->waiting.size() && lane->turns + lane->running < kMostOfLane) {
      ++lane->turns;
      turns.push_back(lane);
    }
  }
};

namespace {

// Returns false if the system has no more threads.
bool start_thread(void* (*work)(void*), void* with) {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return false;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Signals are the other threads' business.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const bool started = ::pthread_create(&thread, &attributes, work, with) == 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  return started;
}

}  // namespace

FilePool::FilePool() : queue_(std::make_shared<Queue>()) {}

FilePool::~FilePool() {
  const std::scoped_lock lock(queue_->mutex);
  queue_->closed = true;
  queue_->turns.clear();
  queue_->changed.notify_all();
}

std::shared_ptr<FilePool::Lane> FilePool::make_lane() const {
  return std::make_shared<Lane>();
}

// Where no thread can be had the errand waits for one of those that there are, or for the next errand to try again.
void FilePool::run(const std::shared_ptr<Lane>& lane, Errand errand) {
  const std::scoped_lock lock(queue_->mutex);
  lane->waiting.push_back(std::move(errand));
  queue_->admit(lane);
  if (queue_->turns.size() > queue_->idle && queue_->threads < kMostThreads) {
    auto held = std::make_unique<std::shared_ptr<Queue>>(queue_);
    if (start_thread(&FilePool::work, held.get())) {
      std::ignore = held.release();  // the thread's
      ++queue_->threads;
    }
  }
  queue_->changed.notify_one();
}

void* FilePool::work(void* held) {
  const std::unique_ptr<std::shared_ptr<Queue>> owned(static_cast<std::shared_ptr<Queue>*>(held));
  Queue& queue = **owned;
  std::unique_lock lock(queue.mutex);
  while (true) {
    ++queue.idle;
    queue.changed.wait(lock, [&] { return !queue.turns.empty() || queue.closed; });
    --queue.idle;
    if (queue.closed) return nullptr;
    const std::shared_ptr<Lane> lane = std::move(queue.turns.front());
    queue.turns.pop_front();
    --lane->turns;
    ++lane->running;
    Errand errand = std::move(lane->waiting.front());
    lane->waiting.pop_front();
    lock.unlock();
    errand();
    errand = nullptr;
    lock.lock();
    --lane->running;
    queue.admit(lane);
  }
}

}  // namespace gatehouse
