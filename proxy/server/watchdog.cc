#include "proxy/server/watchdog.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"

namespace gatehouse {

struct Watchdog::Round {
  explicit Round(std::size_t loops) : answered(loops) {}
  bool complete() const {
    return std::ranges::all_of(answered, [](const std::atomic<bool>& one) { return one.load(); });
  }

  std::vector<std::atomic<bool>> answered;
};

Watchdog::Watchdog(EventLoop& control, std::vector<EventLoop*> loops, Duration interval,
                   std::move_only_function<void()> feed)
    : control_(control), loops_(std::move(loops)), interval_(interval), feed_(std::move(feed)), timer_(control, [this] {
        tick();
      }) {
  ask();
}

Watchdog::~Watchdog() = default;

void Watchdog::tick() {
  if (!round_->complete()) {
    complain();
    return timer_.arm(interval_);
  }
  if (std::exchange(complained_, false)) log::warn("all workers answer again");
  ask();
  feed_();
}

void Watchdog::ask() {
  round_ = std::make_shared<Round>(loops_.size());
  asked_at_ = control_.now();
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->post([round = round_, i] { round->answered[i].store(true); });
  }
  timer_.arm(interval_);
}

void Watchdog::complain() {
  if (std::exchange(complained_, true)) return;
  const double seconds = std::chrono::duration<double>(control_.now() - asked_at_).count();
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    if (!round_->answered[i].load()) log::error("worker-{} has not come round for {:.1f} s", i, seconds);
  }
}

}  // namespace gatehouse
