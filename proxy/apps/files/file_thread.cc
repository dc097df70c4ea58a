#include "proxy/apps/files/file_thread.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "common/event_loop.h"

namespace gatehouse {

namespace {
constexpr std::chrono::seconds kPatience{1};
}

struct FileThread::Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Errand> errands;
  EventLoop* loop = nullptr;  // null: the owner has gone
  bool idle = true;
};

FileThread::FileThread(EventLoop& loop) : queue_(std::make_shared<Queue>()) {
  queue_->loop = &loop;
  // Signals are the other threads' business.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([queue = queue_] { work(queue); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FileThread::~FileThread() {
  std::unique_lock lock(queue_->mutex);
  queue_->changed.wait_for(lock, kPatience, [this] { return queue_->errands.empty() && queue_->idle; });
  queue_->loop = nullptr;
  queue_->errands.clear();
  queue_->changed.notify_all();
}

void FileThread::run(Errand errand) {
  const std::scoped_lock lock(queue_->mutex);
  queue_->errands.push_back(std::move(errand));
  queue_->changed.notify_all();
}

void FileThread::work(const std::shared_ptr<Queue>& queue) {
  std::unique_lock lock(queue->mutex);
  while (true) {
    queue->changed.wait(lock, [&] { return !queue->errands.empty() || queue->loop == nullptr; });
    if (queue->loop == nullptr) return;
    Errand errand = std::move(queue->errands.front());
    queue->errands.pop_front();
    queue->idle = false;
    lock.unlock();
    Then then = errand();
    errand = nullptr;
    lock.lock();
    queue->idle = true;
    // Under the lock, so that the loop is still there.
    if (then && queue->loop != nullptr) queue->loop->post(std::move(then));
    queue->changed.notify_all();
  }
}

FileThread& FileThreads::of(const std::string& user) {
  return threads_.try_emplace(user, loop_).first->second;
}

}  // namespace gatehouse
