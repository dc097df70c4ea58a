#include "proxy/apps/app_host.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "common/log.h"
#include "proxy/apps/app.h"
#include "proxy/apps/app_context.h"

namespace gatehouse {

namespace {
constexpr Duration kTick = std::chrono::seconds(1);
}

class AppHost::Apps {
 public:
  Apps(EventLoop& loop, Dependencies dependencies)
      : context{.loop = loop,
                .dependencies = std::move(dependencies),
                .reconcile = Waker(loop, [this] { reconcile(); })},
        tick(loop, [this] { on_tick(); }) {
    if (ticks_always) tick.arm(kTick);
  }

  App* find(std::string_view name) {
    const auto found = apps.find(name);
    return found == apps.end() ? nullptr : found->second.get();
  }
  void configure(std::vector<AppSpec> specs);
  void reconcile();
  void on_tick();

  const bool ticks_always = inherits_strangers();
  AppContext context;
  std::map<std::string, std::unique_ptr<App>, std::less<>> apps;
  std::move_only_function<void()> stopped;
  Timer tick;
};

void AppHost::Apps::configure(std::vector<AppSpec> specs) {
  for (const auto& [name, app] : apps) {
    if (!std::ranges::contains(specs, name, &AppSpec::name)) app->remove();
  }
  for (AppSpec& spec : specs) {
    if (App* const app = find(spec.name)) {
      app->change(std::move(spec));
    } else {
      std::string name = spec.name;
      apps.emplace(std::move(name), std::make_unique<App>(context, std::move(spec)));
    }
  }
  if (!apps.empty() && !tick.armed()) tick.arm(kTick);
  context.changed();
}

void AppHost::Apps::reconcile() {
  context.starting = 0;
  context.taken_ports.clear();
  for (const auto& [name, app] : apps) {
    context.starting += app->starting();
    app->add_taken_ports(context.taken_ports);
  }
  for (const auto& [name, app] : apps) app->reconcile();
  std::erase_if(apps, [](const auto& entry) { return entry.second->gone(); });
  if (!apps.empty()) return;
  if (!ticks_always) tick.disarm();
  context.orphans.reap();
  if (stopped) std::exchange(stopped, nullptr)();
}

void AppHost::Apps::on_tick() {
  context.orphans.reap();
  context.cgroups.sweep();
  const bool any_process = std::ranges::any_of(apps, [](const auto& entry) { return entry.second->runs(); });
  const ProcessTable processes = any_process ? ProcessTable::read() : ProcessTable();
  for (const auto& [name, app] : apps) app->tick(processes);
  tick.arm(kTick);
}

AppHost::AppHost(EventLoop& loop, Dependencies dependencies)
    : apps_(std::make_unique<Apps>(loop, std::move(dependencies))) {}

AppHost::~AppHost() = default;

void AppHost::set_drain_timeout(std::chrono::milliseconds timeout) {
  apps_->context.drain_timeout = timeout;
}

void AppHost::configure(std::vector<AppSpec> specs) {
  apps_->configure(std::move(specs));
}

void AppHost::want(std::string_view app) {
  if (App* const found = apps_->find(app)) found->want();
}

void AppHost::drained(InstanceId instance) {
  for (const auto& [name, app] : apps_->apps) app->drained(instance);
}

void AppHost::unresponsive(InstanceId instance) {
  for (const auto& [name, app] : apps_->apps) app->unresponsive(instance);
}

void AppHost::refused(InstanceId instance) {
  for (const auto& [name, app] : apps_->apps) app->refused(instance);
}

Result<std::string> AppHost::command(std::string_view app, Command command) {
  App* const found = apps_->find(app);
  if (found == nullptr) return failure("there is no app \"" + std::string(app) + "\"");
  return found->command(command);
}

void AppHost::shut_down(std::move_only_function<void()> done) {
  apps_->stopped = std::move(done);
  for (const auto& [name, app] : apps_->apps) app->remove();
  apps_->context.changed();
}

std::vector<AppView> AppHost::views() const {
  std::vector<AppView> views;
  for (const auto& [name, app] : apps_->apps) views.push_back(app->view());
  return views;
}

}  // namespace gatehouse
