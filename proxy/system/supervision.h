// What whoever supervises us (systemd, or what speaks its protocol) hears of the process: when it is ready, reloads and
// stops, that it is alive (see Watchdog), and that a long drain is not a hang. Nothing where nobody asked; whether the
// workers turn is known in any case. Owned by the Server; its thread.
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
  explicit Supervision(EventLoop& control);

  void watch(std::vector<EventLoop*> loops);  // the workers'
  // Workers that have not come round for some seconds: their number, and a sentence, empty where there is none.
  std::size_t hanging() const { return watchdog_ ? watchdog_->hanging().size() : 0; }
  std::string trouble() const { return watchdog_ ? watchdog_->trouble() : std::string(); }
  void ready(std::string_view status);
  void reloading();  // to be followed by ready()
  // For at most `longest`, and while our loops turn: so long no time limit of the supervisor's ends us.
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
