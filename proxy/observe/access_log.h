// The access log: each worker formats its lines into a buffer of its own (AccessLogBuffer) and hands it over in blocks;
// one thread writes them. What waits is bounded: when the sink is slow, full or gone, lines are dropped and counted,
// and no request ever waits. Outlives every buffer. Public members may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/counter.h"
#include "proxy/observe/access_log_sink.h"

namespace gatehouse {

class AccessLog {
 public:
  static constexpr std::size_t kBlockSize = 64 * 1024;
  static constexpr std::size_t kMaxWaiting = 128;  // blocks; 8 MiB and a little

  explicit AccessLog(std::size_t max_waiting = kMaxWaiting);
  ~AccessLog();  // writes what waits, for a second at most
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Takes `lines` lines of text for `sink` and leaves an empty text with room for more in its place. If as many blocks
  // as may wait do so already, the lines are dropped.
  void hand_over(const std::shared_ptr<AccessLogSink>& sink, std::string& text, std::size_t lines);

  void flush();  // waits until everything handed over before has been written or dropped; for tests and the end

  std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }  // lines
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Block {
    std::shared_ptr<AccessLogSink> sink;
    std::string text;
    std::size_t lines = 0;
  };

  void run();
  void write(const Block& block);
  bool keep_waiting();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> waiting_;
  std::vector<std::string> spare_;  // texts to use again
  bool busy_ = false;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point give_up_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::thread writer_;
};

}  // namespace gatehouse
