// Knows whether every loop of the process turns: it posts a question to each of them, and only when all have answered
// it calls `feed` and asks again. It runs on the control loop's timer, whose own progress thus counts as well. What a
// loop that hangs in one turn leads to is up to its users: /readyz says so, and whoever started us (systemd's
// WatchdogSec=) ends and restarts us when it is fed no more. Owned by Supervision; the control thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"

namespace gatehouse {

class Watchdog {
 public:
  struct Options {
    Duration interval;                          // between questions; > 0
    Duration patience;                          // a loop that has not answered for so long hangs
    std::move_only_function<void()> feed = {};  // all have answered: once an interval at most
  };

  // `loops` outlive it.
  Watchdog(EventLoop& control, std::vector<EventLoop*> loops, Options options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Indexes of the loops that hang now.
  std::vector<std::size_t> hanging() const;
  // The same as a sentence, "worker-1 has not come round for 4.2 s"; empty: none does.
  std::string trouble() const;

 private:
  struct Round;  // one question to all

  void tick();
  void ask();

  EventLoop& control_;
  const std::vector<EventLoop*> loops_;
  Options options_;
  std::shared_ptr<Round> round_;  // shared with the tasks that answer
  MonotonicTime asked_at_;
  bool complained_ = false;
  Timer timer_;
};

}  // namespace gatehouse
