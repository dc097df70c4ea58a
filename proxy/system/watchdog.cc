#include "proxy/system/watchdog.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <format>
#include <utility>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/text.h"

namespace gatehouse {

struct Watchdog::Round {
  explicit Round(std::size_t loops) : replied(loops) {}
  bool complete() const {
    return std::ranges::all_of(replied, [](const std::atomic<bool>& one) { return one.load(); });
  }

  std::vector<std::atomic<bool>> replied;
};

Watchdog::Watchdog(EventLoop& control, std::vector<EventLoop*> loops, Options options)
    : control_(control), loops_(std::move(loops)), options_(std::move(options)), timer_(control, [this] { tick(); }) {
  ask();
}

Watchdog::~Watchdog() = default;

void Watchdog::tick() {
  if (!round_->complete()) {
    const std::string why = trouble();
    if (!why.empty() && !std::exchange(complained_, true)) log::error("{}", why);
    return timer_.arm(options_.interval);
  }
  if (std::exchange(complained_, false)) log::warn("all workers answer again");
  ask();
  if (options_.feed) options_.feed();
}

void Watchdog::ask() {
  round_ = std::make_shared<Round>(loops_.size());
  asked_at_ = control_.now();
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->post([round = round_, i] { round->replied[i].store(true); });
  }
  timer_.arm(options_.interval);
}

std::vector<std::size_t> Watchdog::hanging() const {
  std::vector<std::size_t> indexes;
  if (control_.now() - asked_at_ < options_.patience) return indexes;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    if (!round_->replied[i].load()) indexes.push_back(i);
  }
  return indexes;
}

std::string Watchdog::trouble() const {
  std::vector<std::string> names;
  for (const std::size_t index : hanging()) names.push_back(std::format("worker-{}", index));
  if (names.empty()) return {};
  const double seconds = std::chrono::duration<double>(control_.now() - asked_at_).count();
  return std::format("{} {} not come round for {:.1f} s", text::joined(names, ", "), names.size() == 1 ? "has" : "have",
                     seconds);
}

}  // namespace gatehouse
