// What an app tells of itself: the events that it emits, and the hooks that it has run. The fourth part of App.
#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/apps/app.h"

namespace gatehouse {

// The instance whose place a ready one is about to take.
const App::Running* App::replaces(const Running& successor) const {
  const auto former = std::ranges::find_if(running_, [&](const Running& running) {
    return running.instance->slot() == successor.instance->slot() && running.superseded &&
           running.instance->state() == InstanceState::kReady;
  });
  return former == running_.end() ? nullptr : &*former;
}

void App::tell_hook(AppHook hook, const Instance& instance, std::string_view reason) {
  telling_.hooks.happened(
      spec_, {.hook = hook, .slot = instance.slot(), .reason = std::string(reason), .pid = instance.pid()});
}

void App::publish() {
  if (!looking_.at && !wishes_.removed) return;  // nobody knows yet whether it is offline
  AppView now = view();
  std::string said =
      std::format("{} {} {} {} {} {} {}", label(now.state), now.retry_at.time_since_epoch().count(), now.failure_text,
                  now.waits_for, now.stopped_by_command, now.recycle_failed, now.offline_body);
  for (const InstanceView& instance : now.instances) {
    said += std::format(" {}:{}", instance.id, label(instance.state));
  }
  if (said != telling_.last) {
    telling_.last = std::move(said);
    context_.emit(app_event::Changed{.view = now});
  }
  if (std::exchange(telling_.start_failed, false)) context_.emit(app_event::StartFailed{.view = std::move(now)});
  for (const InstanceId id : std::exchange(telling_.drains, {})) {
    context_.emit(app_event::Drain{.app = spec_->name, .instance = id});
  }
  for (app_event::HookEnded& ended : telling_.hooks.take_ended()) context_.emit(std::move(ended));
}

}  // namespace gatehouse
