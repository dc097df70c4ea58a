// What can be asked of and told to an app by people: its view, and commands. The other half of App, which decides.
#include <algorithm>
#include <format>

#include "common/log.h"
#include "proxy/apps/app.h"

namespace gatehouse {

namespace {
constexpr Duration kLongStart = std::chrono::seconds(5);
}

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
      recycle("by command");
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

void App::tick(const ProcessTable& processes) {
  const MonotonicTime now = context_.loop.now();
  const AppSpec::Recycle& limits = spec_->recycle;
  std::uint64_t requests = 0;
  std::uint32_t in_flight = 0;
  for (Running& running : running_) {
    Instance& instance = *running.instance;
    if (instance.state() == InstanceState::kStopped || instance.end()) continue;
    const std::uint64_t memory = processes.resident_bytes(instance.tree());
    instance.note_memory(memory);
    tell_what_takes_long(running);
    if (instance.state() != InstanceState::kReady) continue;
    const InstanceUse use = context_.dependencies.use ? context_.dependencies.use(instance.id()) : InstanceUse{};
    requests += running.requests = use.requests;
    in_flight += use.in_flight;
    const char* why = nullptr;
    if (now >= running.recycle_at) why = "it is old";
    if (limits.requests > 0 && use.requests >= limits.requests) why = "it has had its requests";
    if (limits.memory > 0 && memory > limits.memory) why = "it holds too much memory";
    if (why == nullptr || running.superseded || now < not_before()) continue;
    ++generation_;
    supersede(running, why);
  }
  if (spec_->timing.idle_stop > std::chrono::milliseconds::zero()) check_idle(requests, in_flight);
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

void App::check_idle(std::uint64_t requests, std::uint32_t in_flight) {
  const MonotonicTime now = context_.loop.now();
  if (!any(InstanceState::kReady)) return;
  if (in_flight > 0 || requests != idle_.requests) {
    idle_ = {.requests = requests, .since = now};
    return;
  }
  if (now - idle_.since < spec_->timing.idle_stop || any(InstanceState::kStarting)) return;
  log::info("app {}: nobody asked for it; it is stopped until somebody does", spec_->name);
  wishes_.up = false;
  for (Running& running : running_) running.idle_stop = running.instance->state() == InstanceState::kReady;
}

}  // namespace gatehouse
