#include "proxy/discovery/upstream_directory.h"

#include <algorithm>
#include <format>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/apps/hook_run.h"
#include "proxy/apps/process/orphans.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

constinit log::Limited ejections("endpoints taken out or tried again");
constinit log::Limited failing("endpoints that began to fail, or answer again");
constinit log::Limited checks("endpoints that became healthy or unhealthy");

std::optional<AppHost::Command> command_of(std::string_view verb) {
  using enum AppHost::Command;
  if (verb == "recycle") return kRecycle;
  if (verb == "stop") return kStop;
  if (verb == "start") return kStart;
  if (verb == "offline") return kOffline;
  if (verb == "online") return kOnline;
  return std::nullopt;
}

std::string runtime_directory() {
  const auto directory = directories::runtime();
  if (directory) return (*directory).string();
  log::warn("apps cannot have sockets: {}", directory.error().message);
  return {};
}

}  // namespace

UpstreamDirectory::UpstreamDirectory(EventLoop& loop, ControlMetrics& metrics, std::move_only_function<void()> changed)
    : loop_(loop),
      metrics_(metrics),
      changed_(loop, std::move(changed)),
      checker_(loop, [this](const HealthCheckResult& result) { on_health_check(result); }),
      outliers_(loop, [this](const Endpoint& endpoint, bool ejected) {
        if (!ejected) return ejections.info("{}: {} is tried again", endpoint.upstream(), endpoint.name());
        ++metrics_.ejections[{endpoint.upstream(), endpoint.name()}];
        troubles_.noted.note_ejection(endpoint, loop_.wall_now());
        ejections.warn("{}: {} is taken out for a while: its requests keep failing", endpoint.upstream(),
                       endpoint.name());
      }) {}

UpstreamDirectory::~UpstreamDirectory() = default;

void UpstreamDirectory::on_health_check(const HealthCheckResult& result) {
  const Endpoint& endpoint = *result.endpoint;
  if (!result.judged) {
    ++metrics_.health_checks[{endpoint.upstream(), endpoint.name(), "skipped"}];
    return;
  }
  troubles_.noted.note_check(endpoint, result.why, loop_.wall_now());
  ++metrics_.health_checks[{endpoint.upstream(), endpoint.name(), result.passed ? "passed" : "failed"}];
  if (result.changed && result.passed) checks.info("{}: {} is healthy", endpoint.upstream(), endpoint.name());
  if (result.changed && !result.passed) {
    checks.warn("{}: {} is unhealthy: {}", endpoint.upstream(), endpoint.name(), result.why);
  }
  // A process that hangs does not come back. One that answers, whatever it is, knows what it does.
  if (result.responded || !endpoint.has(Obstacle::kUnhealthy)) return;
  const HostedApp* app = hosted(endpoint.upstream());
  const std::optional<InstanceId> instance = app != nullptr ? app->instance_at(endpoint) : std::nullopt;
  if (instance) host_->unresponsive(*instance);
}

// The hooks run on workers' threads. What they post finds the directory: it outlives the loop's last turn.
std::shared_ptr<Membership> UpstreamDirectory::membership(const std::string& name) {
  Entry& entry = entries_[name];
  if (entry.membership) return entry.membership;
  if (const auto left = leaving_.find(name); left != leaving_.end()) {
    return entry.membership = left->second->membership();
  }
  auto nothing_yet = std::make_shared<EndpointSet>();
  nothing_yet->when_none = EndpointSet::WhenNone::kWait;
  Membership::Hooks hooks{
      .wanted =
          [this, name] {
            loop_.post([this, name] {
              if (hosted(name) != nullptr) host_->want(name);
            });
          },
      .keeps_failing =
          [this, name](const std::shared_ptr<Endpoint>& endpoint) {
            loop_.post([this, name, endpoint] {
              const auto found = entries_.find(name);
              if (found == entries_.end()) return;
              outliers_.keeps_failing(*found->second.membership, endpoint, found->second.outlier);
            });
          },
      .lost =
          [this, name](const std::shared_ptr<Endpoint>& endpoint) {
            loop_.post([this, name, endpoint] {
              const HostedApp* app = hosted(name);
              const std::optional<InstanceId> instance = app != nullptr ? app->instance_at(*endpoint) : std::nullopt;
              if (instance) host_->refused(*instance);
            });
          },
  };
  entry.membership = std::make_shared<Membership>(name, std::move(nothing_yet), std::move(hooks));
  return entry.membership;
}

void UpstreamDirectory::configure(const DirectorySpec& spec) {
  std::set<std::string> names;
  for (const UpstreamSpec& upstream : spec.upstreams) names.insert(upstream.name);
  for (const HostedAppSpec& hosted : spec.apps) names.insert(hosted.app.name);
  for (auto& [name, entry] : entries_) {
    if (!names.contains(name)) let_go(name, entry);
  }
  std::erase_if(entries_, [&names](const auto& entry) { return !names.contains(entry.first); });
  configure_upstreams(spec.upstreams);
  configure_apps(spec);
  configure_health(spec);
}

void UpstreamDirectory::let_go(const std::string& name, Entry& entry) {
  if (!entry.hosted) return;
  entry.hosted->leave();
  leaving_[name] = std::move(entry.hosted);
}

void UpstreamDirectory::configure_upstreams(const std::vector<UpstreamSpec>& upstreams) {
  for (const UpstreamSpec& upstream : upstreams) {
    const std::shared_ptr<Membership> members = membership(upstream.name);
    Entry& entry = entries_[upstream.name];
    entry.outlier = upstream.outlier;
    let_go(upstream.name, entry);
    if (entry.listed && entry.listed->lists(upstream.endpoints)) continue;
    if (!resolver_) resolver_ = std::make_unique<Resolver>(loop_, Resolver::Options{});
    entry.listed.reset();
    entry.listed =
        std::make_unique<ListedEndpoints>(ListedEndpoints::Dependencies{.registry = registry_, .resolver = *resolver_},
                                          upstream.endpoints, members, [this](const Membership& changed) {
                                            checker_.look_again(changed);
                                            changed_.wake();
                                          });
  }
}

void UpstreamDirectory::configure_apps(const DirectorySpec& spec) {
  std::vector<AppSpec> specs;
  std::set<std::string> returned;
  for (const HostedAppSpec& hosted : spec.apps) {
    const AppSpec& app = hosted.app;
    const std::shared_ptr<Membership> members = membership(app.name);
    Entry& entry = entries_[app.name];
    entry.outlier = hosted.outlier;
    entry.listed.reset();
    if (auto left = leaving_.extract(app.name)) {
      entry.hosted = std::move(left.mapped());
      returned.insert(app.name);
    } else if (!entry.hosted) {
      entry.hosted = std::make_unique<HostedApp>(loop_, members, [this](InstanceId id) { host_->drained(id); });
    }
    count_from_zero(app);
    specs.push_back(app);
  }
  if (specs.empty() && !host_ && !inherits_strangers()) return;
  AppHost& host = apps_running();
  host.set_drain_timeout(spec.drain_timeout);
  host.configure(std::move(specs));
  if (returned.empty()) return;
  for (const AppView& view : host.views()) {
    if (returned.contains(view.name)) entries_[view.name].hosted->come_back(view);
  }
}

void UpstreamDirectory::configure_health(const DirectorySpec& spec) {
  std::vector<HealthChecker::Target> targets;
  const auto add = [&](const std::string& name, const HealthOptions& health) {
    if (!health.path.empty()) targets.push_back({.membership = membership(name), .options = health});
  };
  for (const UpstreamSpec& upstream : spec.upstreams) add(upstream.name, upstream.health);
  for (const HostedAppSpec& hosted : spec.apps) add(hosted.app.name, hosted.health);
  checker_.configure(std::move(targets));
}

void UpstreamDirectory::forget_unused() {
  registry_.forget_unused();
}

AppHost& UpstreamDirectory::apps_running() {
  if (host_) return *host_;
  become_subreaper();
  host_ = std::make_unique<AppHost>(
      loop_, AppHost::Dependencies{
                 .event =
                     [this](AppEvent event) {
                       loop_.post([this, held = std::move(event)]() mutable { on_app_event(std::move(held)); });
                     },
                 .probe =
                     [this](AppProbe request, std::move_only_function<void(std::optional<int>)> on_status) {
                       return probe(std::move(request), std::move(on_status));
                     },
                 .use =
                     [this](InstanceId instance) {
                       for (const auto& [name, entry] : entries_) {
                         if (!entry.hosted) continue;
                         if (entry.hosted->knows(instance)) return entry.hosted->use(instance);
                       }
                       return InstanceUse{};
                     },
                 .runtime_directory = runtime_directory()});
  return *host_;
}

// Probe's own call must not destroy it; whoever holds the result may.
std::shared_ptr<void> UpstreamDirectory::probe(AppProbe request,
                                               std::move_only_function<void(std::optional<int>)> on_status) {
  ProbeRequest asked{.address = request.address,
                     .method = std::move(request.method),
                     .path = std::move(request.path),
                     .authority = std::move(request.host),
                     .fields = std::move(request.fields),
                     .timeout = request.timeout,
                     .listening_user = request.listening_user};
  const auto wanted = std::make_shared<bool>(true);  // the probe may have its answer between its retirement and its end
  auto done = [wanted, on_status = std::move(on_status)](Probe::Outcome outcome) mutable {
    if (*wanted) on_status(outcome ? std::optional<int>(*outcome) : std::nullopt);
  };
  auto held = std::make_unique<Probe>(loop_, std::move(asked), std::move(done));
  return {held.release(), [this, wanted](Probe* probe) {
            *wanted = false;
            loop_.retire(std::unique_ptr<Probe>(probe));
          }};
}

HostedApp* UpstreamDirectory::hosted(const std::string& app) {
  const auto found = entries_.find(app);
  if (found != entries_.end() && found->second.hosted) return found->second.hosted.get();
  const auto left = leaving_.find(app);
  return left == leaving_.end() ? nullptr : left->second.get();
}

void UpstreamDirectory::on_app_event(AppEvent event) {
  if (const auto* changed = std::get_if<app_event::Changed>(&event)) {
    if (HostedApp* app = hosted(changed->view.name)) {
      app->update(changed->view);
      checker_.look_again(*app->membership());
      changed_.wake();
    }
    if (changed->view.instances.empty()) leaving_.erase(changed->view.name);
  } else if (const auto* failed = std::get_if<app_event::StartFailed>(&event)) {
    if (HostedApp* app = hosted(failed->view.name)) app->start_failed(failed->view);
  } else if (const auto* started = std::get_if<app_event::Started>(&event)) {
    ++metrics_.app_starts[{started->app, "ok"}];
    metrics_.app_start_times[started->app].observe(started->took);
  } else if (const auto* ended = std::get_if<app_event::Ended>(&event)) {
    ++metrics_.app_exits[{ended->app, std::string(label(ended->reason))}];
    if (ended->failed_start) ++metrics_.app_starts[{ended->app, std::string(label(ended->reason))}];
    if (ended_) ended_(*ended);
  } else if (const auto* hook = std::get_if<app_event::HookEnded>(&event)) {
    ++metrics_.app_hooks[{hook->app, std::string(label(hook->hook)), std::string(label(hook->result))}];
  } else if (const auto* drain = std::get_if<app_event::Drain>(&event)) {
    if (HostedApp* app = hosted(drain->app)) {
      app->drain(drain->instance);
    } else {
      host_->drained(drain->instance);
    }
  }
}

Result<std::string> UpstreamDirectory::command(std::string_view app, std::string_view verb) {
  const auto command = command_of(verb);
  if (!command)
    return failure(std::format("\"{}\" is no command for an app: recycle, stop, start, offline, online", verb));
  if (!host_) return failure("there are no apps in this configuration");
  return host_->command(app, *command);
}

void UpstreamDirectory::shut_down(std::move_only_function<void()> done) {
  if (!host_) return done();
  host_->shut_down(std::move(done));
}

std::vector<AppView> UpstreamDirectory::apps() const {
  return host_ ? host_->views() : std::vector<AppView>();
}

// An app's counts are there from the beginning, at zero: a rate does not see the step from nothing to one.
void UpstreamDirectory::count_from_zero(const AppSpec& spec) {
  const std::string& app = spec.name;
  for (const auto reason :
       {ExitReason::kExecNotFound, ExitReason::kExecDenied, ExitReason::kExited, ExitReason::kSignaled,
        ExitReason::kOomKilled, ExitReason::kStartTimeout, ExitReason::kWrongPort, ExitReason::kForeignListener,
        ExitReason::kReadyFailed, ExitReason::kListenerGone, ExitReason::kStopped}) {
    metrics_.app_exits.try_emplace({app, std::string(label(reason))});
    if (reason != ExitReason::kListenerGone && reason != ExitReason::kStopped)
      metrics_.app_starts.try_emplace({app, std::string(label(reason))});
  }
  metrics_.app_starts.try_emplace({app, "ok"});
  metrics_.app_start_times.try_emplace(app);
  for (const AppHook hook : {AppHook::kStarted, AppHook::kFailed, AppHook::kRecycled}) {
    if (command_of(spec.hooks, hook).empty()) continue;
    for (const auto result : {HookResult::kOk, HookResult::kFailed, HookResult::kTimeout, HookResult::kDropped}) {
      metrics_.app_hooks.try_emplace({app, std::string(label(hook)), std::string(label(result))});
    }
  }
}

void UpstreamDirectory::forget_troubles() {
  if (!troubles_.noted.remembers_faults()) return;
  for (const auto& [name, entry] : entries_) {
    for (const EndpointSet::Member& member : entry.membership->set()->members) {
      if (member.endpoint->failures_in_row() == 0) troubles_.noted.served(*member.endpoint);
    }
  }
}

void UpstreamDirectory::tell_failing() {
  std::vector<std::shared_ptr<const EndpointSet>> sets;
  for (const auto& [name, entry] : entries_) sets.push_back(entry.membership->set());
  for (const FailingEndpoints::Line& line : troubles_.failing.look(sets, loop_.now())) {
    if (line.trouble) {
      failing.warn("{}", line.text);
    } else {
      failing.info("{}", line.text);
    }
  }
}

void UpstreamDirectory::note(ControlMetrics& metrics) const {
  metrics.endpoints.clear();
  metrics.instances.clear();
  metrics.memory.clear();
  metrics.apps.clear();
  for (const auto& [name, entry] : entries_) {
    for (const EndpointSet::Member& member : entry.membership->set()->members) {
      metrics.endpoints.push_back(
          {.upstream = name, .endpoint = member.endpoint->name(), .healthy = member.endpoint->available()});
    }
  }
  for (const AppView& app : apps()) {
    std::map<std::string, std::uint64_t> by_state;
    for (const auto state :
         {InstanceState::kStarting, InstanceState::kReady, InstanceState::kDraining, InstanceState::kStopping}) {
      by_state[std::string(label(state))] = 0;
    }
    for (const InstanceView& instance : app.instances) {
      ++by_state[std::string(label(instance.state))];
      if (instance.resident_bytes == 0) continue;  // not looked at yet
      metrics.memory.push_back(
          {.app = app.name, .instance = std::to_string(instance.slot), .bytes = instance.resident_bytes});
    }
    for (const auto& [state, count] : by_state) {
      metrics.instances.push_back({.app = app.name, .state = state, .count = count});
    }
    metrics.apps.push_back(
        {.app = app.name, .parked = app.state == AppState::kParked, .recycle_failed = app.recycle_failed});
  }
}

}  // namespace gatehouse
