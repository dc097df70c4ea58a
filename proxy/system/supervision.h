// What whoever supervises us (systemd, or what speaks its protocol) hears of the process: when it is ready, reloads
// and stops, that it is alive (see Watchdog), and that a long drain is not a hang. Nothing where nobody asked;
// whether the workers turn is known in any case. Owned by the Server; its thread.
//
//   ready ---> reloading ---> ready ...       watch(): WATCHDOG=1 while every loop turns
//     '------> stopping: more time every 5 s, until `longest` is over
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"
#include "proxy/system/watchdog.h"

namespace gatehouse {

class Supervision {
 public:
  // `control` is the loop of this thread.
  explicit Supervision(EventLoop& control);

  // Watches the workers' loops from now on, asking each once a second, or more often if the supervisor's watchdog
  // wants that. They outlive it.
  void watch(std::vector<EventLoop*> loops);
  // How many workers have not come round for 3 s, or less if the watchdog's period is short.
  std::size_t hanging() const { return watchdog_ ? watchdog_->hanging().size() : 0; }
  // The same as a sentence; empty where there is none.
  std::string trouble() const { return watchdog_ ? watchdog_->trouble() : std::string(); }
  // It serves; `status` is what `systemctl status` shows.
  void ready(std::string_view status);
  // A reload begins; ready() must follow, however it ends, or stopping() where it is given up.
  void reloading();
  // It drains, for at most `longest`. As long as the control loop turns, no time limit of the supervisor's ends us
  // before that: it is asked for 15 s more every 5 s.
  void stopping(Duration longest);

 private:
  void ask_for_time();
  void feed(Duration at_most_every);

  EventLoop& control_;
  std::unique_ptr<Watchdog> watchdog_;
  MonotonicTime fed_at_;
  MonotonicTime patience_until_;
  Timer more_time_;
};

}  // namespace gatehouse
