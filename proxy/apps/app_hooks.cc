#include "proxy/apps/app_hooks.h"

#include "common/log.h"
#include "common/log_limit.h"

namespace gatehouse {

namespace {
constinit log::Limited drops("hooks that were not run because too many waited");
}

void AppHooks::happened(const std::shared_ptr<const AppSpec>& spec, HookOccasion occasion) {
  if (command_of(spec->hooks, occasion.hook).empty()) return;
  Lane& lane = lane_of(occasion.hook);
  if (!lane.running) return run({.spec = spec, .occasion = std::move(occasion)});
  if (lane.waiting.size() < kMostWaiting) {
    lane.waiting.push_back({.spec = spec, .occasion = std::move(occasion)});
    return;
  }
  drops.warn("app {}: the hook {} is not run: {} runs of it wait already", spec->name, label(occasion.hook),
             kMostWaiting);
  note(*spec, occasion.hook, HookResult::kDropped);
}

void AppHooks::run(Waiting next) {
  const AppHook hook = next.occasion.hook;
  auto done = [this, hook, spec = next.spec](HookResult result) {
    Lane& lane = lane_of(hook);
    context_.loop.retire(std::move(lane.running));
    note(*spec, hook, result);
    if (lane.waiting.empty()) return;
    Waiting waiting = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    run(std::move(waiting));
  };
  lane_of(hook).running =
      std::make_unique<HookRun>(context_, std::move(next.spec), std::move(next.occasion), std::move(done));
}

void AppHooks::note(const AppSpec& spec, AppHook hook, HookResult result) {
  ended_.push_back({.app = spec.name, .hook = hook, .result = result});
  context_.changed();
}

}  // namespace gatehouse
