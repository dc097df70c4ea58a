// Knows whether every loop of the process turns: it posts a question to each of them, and only when all have answered
// it calls `feed` and asks again. It runs on the control loop's timer, whose own progress thus counts as well. What a
// loop that hangs in one turn leads to is up to its users: /readyz says so, and whoever started us (systemd's
// WatchdogSec=) ends and restarts us when it is fed no more. Owned by Supervision; the control thread.
//
//   ask: post to each loop --interval--> tick: all have answered? --yes--> feed, and ask again
//                                         ^ '-- no: log that once patience is over
//                                         +---- and look again after an interval
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
    // Between questions; more than 0.
    Duration interval;
    // A loop that has not answered for so long hangs.
    Duration patience;
    // All have answered. Called once an interval at most, from the loop; it must not destroy the watchdog.
    std::move_only_function<void()> feed = {};
  };

  // Asks for the first time at once. `control` and `loops` outlive it. It is logged once that loops hang, and again
  // when all answer.
  Watchdog(EventLoop& control, std::vector<EventLoop*> loops, Options options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Indexes of the loops that hang now.
  std::vector<std::size_t> hanging() const;
  // The same as a sentence, "worker-1 has not come round for 4.2 s"; empty: none does.
  std::string trouble() const;

 private:
  // One question to all.
  struct Round;

  void tick();
  void ask();

  EventLoop& control_;
  const std::vector<EventLoop*> loops_;
  Options options_;
  // Shared with the tasks that answer, which may outlive us.
  std::shared_ptr<Round> round_;
  MonotonicTime asked_at_;
  bool complained_ = false;
  Timer timer_;
};

}  // namespace gatehouse
