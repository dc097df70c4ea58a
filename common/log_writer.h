// A thread that writes the lines of a log, so that nobody who has something to say ever waits for a disk, a pipe or a
// terminal. What waits is bounded: when the target is slow, full or gone, lines are dropped and counted. Public members
// may be called from any thread.
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
    const char* thread = "log";  // the name of the thread; 15 characters at most
    std::size_t max_waiting = 1024UL * 1024;
    // Called on the writer's thread when lines were dropped since the last call and everything that waited has been
    // written: with their number.
    std::function<void(std::uint64_t dropped)> caught_up = {};
  };

  explicit LogWriter(Options options);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Takes `lines` lines of text for `target` and leaves an empty text with room for more in its place.
  void hand_over(const std::shared_ptr<LogTarget>& target, std::string& text, std::size_t lines);
  // One line, with its end: joins what waits for the same target.
  void add(const std::shared_ptr<LogTarget>& target, std::string_view line);

  // Waits until everything handed over before has been written or dropped; false if that takes longer than `patience`.
  bool flush(std::chrono::milliseconds patience);

  std::uint64_t written() const;  // lines
  std::uint64_t dropped() const;
  bool idle() const;  // everything is written or dropped. Async-signal-safe

  // Around fork(), as pthread_atfork(3) wants it: no other thread holds the lock of what the child inherits, which has
  // no writer thread and nothing that waits. The child must not hand anything over.
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();

 private:
  struct Shared;  // with the thread, which may outlive the writer if it hangs

  std::shared_ptr<Shared> shared_;
};

}  // namespace gatehouse
