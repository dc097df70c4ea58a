// Says that the process is alive only while every one of its loops is: it posts a question to each of them, and only
// when all have answered it calls `feed` and asks again. It runs on the control loop's timer, whose own progress thus
// counts as well. A loop that hangs in one turn stops the feeding, and whoever started us (systemd's WatchdogSec=) ends
// and restarts us. Owned by Supervision; the control thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"

namespace gatehouse {

class Watchdog {
 public:
  // Asks `loops`, which outlive it, every `interval`. REQUIRES: interval > 0
  Watchdog(EventLoop& control, std::vector<EventLoop*> loops, Duration interval, std::move_only_function<void()> feed);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Round;  // one question to all

  void tick();
  void ask();
  void complain();

  EventLoop& control_;
  const std::vector<EventLoop*> loops_;
  const Duration interval_;
  std::move_only_function<void()> feed_;
  std::shared_ptr<Round> round_;  // shared with the tasks that answer
  MonotonicTime asked_at_;
  bool complained_ = false;
  Timer timer_;
};

}  // namespace gatehouse
