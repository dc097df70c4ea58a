#include "proxy/system/supervision.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

#include "common/event_loop.h"
#include "proxy/system/service_manager.h"

namespace gatehouse {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr seconds kAskWorkers{1};
constexpr seconds kPatience{3};
// The service manager's watchdog is fed at every second ask at the latest, with as much again in reserve.
constexpr int kAsksPerPeriod = 4;
constexpr seconds kAskForTime{5};
constexpr seconds kTimeAskedFor{15};

}  // namespace

Supervision::Supervision(EventLoop& control) : control_(control), more_time_(control, [this] { ask_for_time(); }) {}

void Supervision::watch(std::vector<EventLoop*> loops) {
  Watchdog::Options options{.interval = kAskWorkers, .patience = kPatience};
  if (const auto period = service_manager::watchdog_period()) {
    const Duration share = std::max(Duration(*period / kAsksPerPeriod), Duration(1));
    options.interval = std::min(options.interval, share);
    options.patience = std::min(options.patience, 2 * share);  // the reason is told before the end comes
    options.feed = [this, share] { feed(share); };
  }
  watchdog_ = std::make_unique<Watchdog>(control_, std::move(loops), std::move(options));
}

void Supervision::feed(Duration at_most_every) {
  if (control_.now() - fed_at_ < at_most_every) return;
  fed_at_ = control_.now();
  service_manager::notify("WATCHDOG=1");
}

void Supervision::ready(std::string_view status) {
  service_manager::notify(std::format("READY=1\nSTATUS={}", status));
}

void Supervision::reloading() {
  const auto now = duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  service_manager::notify(std::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reloading", now.count()));
}

void Supervision::stopping(Duration longest) {
  patience_until_ = control_.now() + longest;
  service_manager::notify(
      std::format("STOPPING=1\nSTATUS=Draining for up to {:.0f} s", std::chrono::duration<double>(longest).count()));
  ask_for_time();
}

// A little at a time: should we hang, it ends soon.
void Supervision::ask_for_time() {
  service_manager::notify(std::format("EXTEND_TIMEOUT_USEC={}", microseconds(kTimeAskedFor).count()));
  if (control_.now() < patience_until_) more_time_.arm(kAskForTime);
}

}  // namespace gatehouse
