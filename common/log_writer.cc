#include "common/log_writer.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kPatienceAtTheEnd{1};
constexpr std::chrono::milliseconds kForTheLastWrite{250};  // it looks at the end of its patience ten times a second
constexpr std::size_t kBlock = 64UL * 1024;                 // lines join up to this size

}  // namespace

struct LogWriter::Shared {
  struct Block {
    std::shared_ptr<LogTarget> target;
    std::string text;
    std::size_t lines = 0;
  };

  explicit Shared(Options with) : options(std::move(with)) {}

  void run();
  bool write(const Block& block);
  bool keep_waiting();
  bool has_room(std::size_t bytes) const { return waiting.empty() || waiting_bytes + bytes <= options.max_waiting; }
  void recycle(std::string text);
  std::string recycled();

  const Options options;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Block> waiting;
  std::size_t waiting_bytes = 0;
  std::vector<std::string> spare;                                // texts to use again
  std::optional<std::chrono::steady_clock::time_point> give_up;  // set when it is to end
  bool ended = false;
  bool forked = false;  // in a child, which has no thread
  std::atomic<bool> idle{true};
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> dropped{0};
};

LogWriter::LogWriter(Options options) : shared_(std::make_shared<Shared>(std::move(options))) {
  std::thread([held = shared_] { held->run(); }).detach();
}

LogWriter::~LogWriter() {
  std::unique_lock lock(shared_->mutex);
  if (shared_->forked) return;
  shared_->give_up = std::chrono::steady_clock::now() + kPatienceAtTheEnd;
  shared_->changed.notify_all();
  shared_->changed.wait_until(lock, *shared_->give_up + kForTheLastWrite, [this] { return shared_->ended; });
}

void LogWriter::hand_over(const std::shared_ptr<LogTarget>& target, std::string& text, std::size_t lines) {
  if (text.empty()) return;
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->has_room(text.size())) {
      shared_->dropped.fetch_add(lines, std::memory_order_relaxed);
      text.clear();
      return;
    }
    shared_->waiting_bytes += text.size();
    shared_->waiting.push_back({.target = target, .text = std::move(text), .lines = lines});
    shared_->idle.store(false);
    text = shared_->recycled();
  }
  shared_->changed.notify_all();
}

void LogWriter::add(const std::shared_ptr<LogTarget>& target, std::string_view line) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->has_room(line.size())) {
      shared_->dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    auto& waiting = shared_->waiting;
    const bool joins =
        !waiting.empty() && waiting.back().target == target && waiting.back().text.size() + line.size() <= kBlock;
    if (!joins) waiting.push_back({.target = target, .text = shared_->recycled(), .lines = 0});
    waiting.back().text += line;
    ++waiting.back().lines;
    shared_->waiting_bytes += line.size();
    shared_->idle.store(false);
  }
  shared_->changed.notify_all();
}

bool LogWriter::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, patience, [this] { return shared_->idle.load(); });
}

std::uint64_t LogWriter::written() const {
  return shared_->written.load(std::memory_order_relaxed);
}

std::uint64_t LogWriter::dropped() const {
  return shared_->dropped.load(std::memory_order_relaxed);
}

bool LogWriter::idle() const {
  return shared_->idle.load();
}

void LogWriter::before_fork() {
  shared_->mutex.lock();
}

void LogWriter::after_fork_in_parent() {
  shared_->mutex.unlock();
}

void LogWriter::after_fork_in_child() {
  shared_->forked = true;
  shared_->waiting.clear();
  shared_->waiting_bytes = 0;
  shared_->idle.store(true);
  shared_->mutex.unlock();
}

void LogWriter::Shared::run() {
  // Signals are the control thread's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), options.thread);

  std::uint64_t told = 0;
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return give_up || !waiting.empty(); });
    if (waiting.empty()) break;
    Block block = std::move(waiting.front());
    waiting.pop_front();
    waiting_bytes -= block.text.size();
    lock.unlock();
    const bool well = write(block);
    // Only where lines get out again: a line about lost lines that is lost itself would be followed by the next.
    const std::uint64_t lost = dropped.load(std::memory_order_relaxed) - told;
    lock.lock();
    recycle(std::move(block.text));
    if (!waiting.empty()) continue;
    if (well && lost != 0 && !give_up && options.caught_up) {
      told += lost;
      lock.unlock();
      options.caught_up(lost);
      lock.lock();
    }
    idle.store(waiting.empty());
    changed.notify_all();
  }
  ended = true;
  changed.notify_all();
}

// True if all of it got out.
bool LogWriter::Shared::write(const Block& block) {
  const std::size_t bytes = block.target->write(block.text, [this] { return keep_waiting(); });
  const auto rest = block.text.begin() + static_cast<std::ptrdiff_t>(bytes);
  const auto lost = static_cast<std::size_t>(std::count(rest, block.text.end(), '\n'));
  written.fetch_add(block.lines - lost, std::memory_order_relaxed);
  dropped.fetch_add(lost, std::memory_order_relaxed);
  return lost == 0;
}

bool LogWriter::Shared::keep_waiting() {
  const std::lock_guard lock(mutex);
  return !give_up || std::chrono::steady_clock::now() < *give_up;
}

void LogWriter::Shared::recycle(std::string text) {
  constexpr std::size_t kMaxSpare = 8;
  if (spare.size() >= kMaxSpare || text.capacity() > 4 * kBlock) return;
  text.clear();
  spare.push_back(std::move(text));
}

std::string LogWriter::Shared::recycled() {
  if (spare.empty()) return {};
  std::string text = std::move(spare.back());
  spare.pop_back();
  return text;
}

}  // namespace gatehouse
