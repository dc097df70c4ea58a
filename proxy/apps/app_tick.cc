// What an app looks at once a second: which of its instances are to be replaced, whether anybody still asks for it, and
// what takes so long that people should know. The third part of App.
#include <chrono>
#include <optional>

#include "common/log.h"
#include "proxy/apps/app.h"

namespace gatehouse {

namespace {
constexpr Duration kLongStart = std::chrono::seconds(5);
}

void App::tick(const ProcessTable& processes) {
  const MonotonicTime now = context_.loop.now();
  const bool time_of_day_has_come = watching_.daily.come(spec_->recycle.at, context_.loop.wall_now());
  InstanceUse together;  // of all that are ready
  for (Running& running : running_) {
    Instance& instance = *running.instance;
    if (instance.state() == InstanceState::kStopped || instance.end()) continue;
    const std::uint64_t memory = processes.resident_bytes(instance.tree());
    instance.note_memory(memory);
    tell_what_takes_long(running);
    if (instance.state() != InstanceState::kReady) continue;
    const InstanceUse use = context_.dependencies.use ? context_.dependencies.use(instance.id()) : InstanceUse{};
    together.requests += running.requests = use.requests;
    together.in_flight += use.in_flight;
    const recycling::Wear wear{.old_at = running.old_at,
                               .requests = use.requests,
                               .memory = memory,
                               .time_of_day_has_come = time_of_day_has_come};
    const std::optional<RecycleReason> why = recycling::reason(spec_->recycle, wear, now);
    if (!why || running.superseded || now < not_before()) continue;
    ++generation_;
    supersede(running, *why);
  }
  if (spec_->timing.idle_stop > std::chrono::milliseconds::zero()) stop_if_idle(together);
  tell_if_files_hang();
  looking_.due = true;  // it may be where it cannot be watched
  context_.changed();
}

void App::tell_if_files_hang() {
  if (!looking_.question.waits() || looking_.told_slow || context_.loop.now() - looking_.since < kLongStart) return;
  looking_.told_slow = true;
  log::warn(
      "app {}: its files do not answer: {}, or a folder on the way there, is on a disk that hangs; it is not started",
      spec_->name, spec_->offline_file);
}

// An app that listens elsewhere than it was told would otherwise be a riddle until start_timeout.
void App::tell_what_takes_long(Running& running) {
  const Instance& instance = *running.instance;
  if (running.told_slow || instance.state() != InstanceState::kStarting) return;
  const Duration so_far = context_.loop.now() - instance.view().since;
  if (so_far < kLongStart) return;
  running.told_slow = true;
  log::warn("app {}: slot {} pid {} is not ready after {} s: {}", spec_->name, instance.slot(), instance.view().pid,
            std::chrono::duration_cast<std::chrono::seconds>(so_far).count(), instance.waits_for());
}

void App::stop_if_idle(const InstanceUse& use) {
  if (!any(InstanceState::kReady)) return;
  const Duration idle_for = idle_.look(use, context_.loop.now());
  if (idle_for < spec_->timing.idle_stop || any(InstanceState::kStarting)) return;
  log::info("app {}: nobody asked for it; it is stopped until somebody does", spec_->name);
  wishes_.up = false;
  for (Running& running : running_) running.idle_stop = running.instance->state() == InstanceState::kReady;
}

}  // namespace gatehouse
