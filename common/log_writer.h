// A thread that writes the lines of a log, so that nobody who has something to say ever waits for a disk, a pipe or a
// terminal. What waits is bounded: when the target is slow, full or gone, lines are dropped and counted. Owned by the
// program's log (log.cc) and by the AccessLog. Public members may be called from any thread.
//
//   hand_over, add --> [ block | block | block ] --> writer thread --> LogTarget
//                       max_waiting bytes at most; beyond them: dropped
//
// At the end what waits is written for a second at most; a writer that hangs in the kernel beyond that is left behind.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/log_target.h"

namespace gatehouse {

class LogWriter {
 public:
  struct Options {
    // The name of the thread: 15 characters at most, and not copied.
    const char* thread = "log";
    // Bytes. What is being written does not count, and where nothing waits any one text is taken.
    std::size_t max_waiting = 1024UL * 1024;
    // Called on the writer's thread when lines were dropped since the last call and everything that waited has been
    // written: with their number. It may add lines.
    std::function<void(std::uint64_t dropped)> caught_up = {};
  };

  // Starts the thread, which blocks all signals.
  explicit LogWriter(Options options);
  // Waits until what waits is written, for little more than a second.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Takes `text`, which is `lines` lines for `target`, or drops it if there is no room. Leaves an empty text in its
  // place, as a rule one with memory for more lines.
  void hand_over(const std::shared_ptr<LogTarget>& target, std::string& text, std::size_t lines);
  // Takes a copy of one line, with the "\n" at its end, or drops it. Joins it to what waits for the same target.
  void add(const std::shared_ptr<LogTarget>& target, std::string_view line);

  // Waits until nothing waits any more, what other threads hand over meanwhile included; false if that takes longer
  // than `patience`.
  bool flush(std::chrono::milliseconds patience);

  // Lines since the start: those that got out whole, and those that did not.
  std::uint64_t written() const;
  std::uint64_t dropped() const;
  // Whether everything is written or dropped. Async-signal-safe.
  bool idle() const;

  // Around fork(), as pthread_atfork(3) wants it: no other thread holds the lock of what the child inherits, which has
  // no writer thread and nothing that waits. The child must not hand anything over.
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();

 private:
  // Shared with the thread, which outlives the writer if it hangs.
  struct Shared;

  std::shared_ptr<Shared> shared_;
};

}  // namespace gatehouse
