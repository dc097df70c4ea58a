// What can be asked of and told to an app by people: its view, and commands. What comes of them is decided in app.cc.
#include <algorithm>
#include <format>

#include "common/log.h"
#include "proxy/apps/app.h"

namespace gatehouse {

AppState App::state() const {
  if (wishes_.offline || offline_) return AppState::kOffline;
  if (any(InstanceState::kReady)) return AppState::kServing;
  if (any(InstanceState::kStarting)) return AppState::kStarting;
  if (wishes_.removed || wishes_.stopped) return AppState::kStopped;
  const MonotonicTime now = context_.loop.now();
  if (trouble_.rapid_fail.parked(now)) return AppState::kParked;
  if (now < trouble_.backoff.retry_at()) return AppState::kBackoff;
  return wishes_.up ? AppState::kStarting : AppState::kStopped;
}

AppView App::view() const {
  AppView view{.name = spec_->name, .state = state()};
  for (const Running& running : running_) view.instances.push_back(running.instance->view());
  std::ranges::sort(view.instances, {}, [](const InstanceView& i) { return std::pair(i.slot, i.id); });
  if (view.state == AppState::kBackoff || view.state == AppState::kParked) view.retry_at = not_before();
  const auto slow = std::ranges::find_if(running_, [](const Running& running) {
    return running.told_slow && running.instance->state() == InstanceState::kStarting;
  });
  if (view.state == AppState::kStarting && slow != running_.end()) view.waits_for = slow->instance->waits_for();
  view.failure = trouble_.reason;
  view.failure_text = trouble_.text;
  view.last_output = trouble_.last_output;
  if (view.state == AppState::kOffline && offline_) {
    view.offline_body = offline_->body;
    view.offline_type = offline_->type;
  }
  view.stopped_by_command = wishes_.stopped;
  view.recycle_failed = trouble_.recycle_failed;
  view.restarts = trouble_.restarts;
  view.last_exit = trouble_.last_exit;
  view.next_recycle = watching_.daily.next();
  return view;
}

std::uint32_t App::starting() const {
  return static_cast<std::uint32_t>(std::ranges::count(
      running_, InstanceState::kStarting, [](const Running& running) { return running.instance->state(); }));
}

void App::add_taken_ports(std::vector<std::uint16_t>& ports) const {
  for (const Running& running : running_) ports.push_back(running.instance->view().address.port());
}

Result<std::string> App::command(AppHost::Command command) {
  const std::string& name = spec_->name;
  context_.changed();
  switch (command) {
    case AppHost::Command::kRecycle:
      if (!may_run()) return failure(std::format("{} is {}; there is nothing to recycle", name, label(state())));
      if (running_.empty() && !wishes_.up) {
        forget_trouble();
        return std::format("{} is not running; the next request starts it", name);
      }
      recycle(RecycleReason::kCommand);
      return std::format("{} is being recycled: each instance is replaced once its successor is ready", name);
    case AppHost::Command::kStop:
      wishes_.stopped = true;
      wishes_.up = false;
      return std::format("{} is being stopped, and stays so until it is started by command", name);
    case AppHost::Command::kStart:
      if (wishes_.offline || offline_) return failure(std::format("{} is offline; bring it online first", name));
      wishes_.stopped = false;
      if (any(InstanceState::kReady)) return std::format("{} is running", name);
      wishes_.up = true;
      forget_trouble();
      return std::format("{} is being started", name);
    case AppHost::Command::kOffline:
      wishes_.offline = true;
      wishes_.up = false;
      return std::format("{} is being taken offline, until it is brought online by command", name);
    case AppHost::Command::kOnline:
      wishes_.offline = false;
      if (offline_) {
        return failure(std::format("{} is offline for as long as {} is there", name, spec_->offline_file));
      }
      if (wishes_.stopped) return std::format("{} is online, but stopped; start it by command", name);
      wishes_.up |= spec_->start == AppStart::kEager;
      forget_trouble();
      return std::format("{} is online; {}", name, wishes_.up ? "it is being started" : "the next request starts it");
  }
  return failure("there is no such command");
}

}  // namespace gatehouse
