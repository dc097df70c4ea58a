#include "proxy/observe/access_log.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace gatehouse {

AccessLog::AccessLog(std::size_t max_waiting) : max_waiting_(max_waiting) {
  writer_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    give_up_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  }
  changed_.notify_all();
  writer_.join();
}

void AccessLog::hand_over(const std::shared_ptr<AccessLogSink>& sink, std::string& text, std::size_t lines) {
  if (text.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_) {
      dropped_.fetch_add(lines, std::memory_order_relaxed);
      text.clear();
      return;
    }
    waiting_.push_back({.sink = sink, .text = std::move(text), .lines = lines});
    text = std::string();
    if (!spare_.empty()) {
      text = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  changed_.notify_all();
}

void AccessLog::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !busy_; });
}

void AccessLog::run() {
  // Signals are the control thread's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "access-log");

  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Block block = std::move(waiting_.front());
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    write(block);
    block.text.clear();
    lock.lock();
    busy_ = false;
    constexpr std::size_t kMaxSpare = 8;
    if (spare_.size() < kMaxSpare) spare_.push_back(std::move(block.text));
    changed_.notify_all();
  }
}

void AccessLog::write(const Block& block) {
  const std::size_t bytes = block.sink->write(block.text, [this] { return keep_waiting(); });
  const auto rest = block.text.begin() + static_cast<std::ptrdiff_t>(bytes);
  const auto lost = static_cast<std::size_t>(std::count(rest, block.text.end(), '\n'));
  written_.fetch_add(block.lines - lost, std::memory_order_relaxed);
  dropped_.fetch_add(lost, std::memory_order_relaxed);
}

bool AccessLog::keep_waiting() {
  const std::lock_guard lock(mutex_);
  return !stopping_ || std::chrono::steady_clock::now() < give_up_;
}

}  // namespace gatehouse
