// The access log: each worker formats its lines into a buffer of its own (AccessLogBuffer) and hands it over in
// blocks; a thread of the log's own writes them (LogWriter). What waits is bounded: when the sink is slow, full or
// gone, lines are dropped and counted, the program's log says so, and no request ever waits. Owned by the Server,
// outlives every buffer. Public members may be called from any thread.
//
//   worker:  AccessLogBuffer --hand_over--> [ block | block | block ] --> thread "access-log" --> AccessLogSink
//   worker:  AccessLogBuffer --hand_over--^   kMaxWaiting bytes at most; beyond them: dropped
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
  // Workers hand their lines over in blocks of about this many bytes.
  static constexpr std::size_t kBlockSize = 64UL * 1024;
  // How many bytes of text may wait for the writer: 8 MiB.
  static constexpr std::size_t kMaxWaiting = 128 * kBlockSize;

  // Starts the writing thread, which is named "access-log". The destructor writes what waits, for a second at most;
  // what is left then is lost, and a writer that hangs in the kernel is left behind.
  explicit AccessLog(std::size_t max_waiting = kMaxWaiting);

  // Takes the text, which has `lines` lines with their ends, for `sink`, and leaves an empty one in its place, with
  // room for more where a written block has come back. If the text has no room beside what waits, its lines are
  // dropped and counted, and `text` is emptied all the same. Blocks are written in the order of the calls.
  void hand_over(const std::shared_ptr<AccessLogSink>& sink, std::string& text, std::size_t lines) {
    writer_.hand_over(sink->target(), text, lines);
  }

  // For tests: waits until everything that was handed over has been written or dropped, for ten minutes at most.
  void flush();

  // Lines since the start: those that reached their sink, and those that were lost, here or at the sink.
  std::uint64_t written() const { return writer_.written(); }
  std::uint64_t dropped() const { return writer_.dropped(); }

 private:
  LogWriter writer_;
};

}  // namespace gatehouse
