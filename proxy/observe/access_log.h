// The access log: each worker formats its lines into a buffer of its own (AccessLogBuffer) and hands it over in blocks;
// a thread of the log's own writes them (LogWriter). What waits is bounded: when the sink is slow, full or gone, lines
// are dropped and counted, the program's log says so, and no request ever waits. Outlives every buffer. Public members
// may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/log_writer.h"
#include "proxy/observe/access_log_sink.h"

namespace gatehouse {

class AccessLog {
 public:
  static constexpr std::size_t kBlockSize = 64UL * 1024;
  static constexpr std::size_t kMaxWaiting = 128 * kBlockSize;

  // At its end it writes what waits, for a second at most.
  explicit AccessLog(std::size_t max_waiting = kMaxWaiting);

  // Takes `lines` lines of text for `sink` and leaves an empty text with room for more in its place. If as many bytes
  // as may wait do so already, the lines are dropped.
  void hand_over(const std::shared_ptr<AccessLogSink>& sink, std::string& text, std::size_t lines) {
    writer_.hand_over(sink->target(), text, lines);
  }

  // Waits until everything handed over before has been written or dropped; for tests.
  void flush();

  std::uint64_t written() const { return writer_.written(); }  // lines
  std::uint64_t dropped() const { return writer_.dropped(); }

 private:
  LogWriter writer_;
};

}  // namespace gatehouse
