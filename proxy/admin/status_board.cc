#include "proxy/admin/status_board.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "common/log_limit.h"
#include "proxy/admin/status_json.h"
#include "proxy/admin/status_table.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

StatusBoard::StatusBoard(EventLoop& loop, const Dependencies& dependencies)
    : loop_(loop), dependencies_(dependencies), started_(loop.now()), tick_(loop, [this] { tick(); }) {}

FaultBuffer::HandOver StatusBoard::fault_sink() {
  return [this](std::vector<FaultRecord> records) {
    loop_.post([this, held = std::move(records)]() mutable { note_faults(std::move(held)); });
  };
}

void StatusBoard::note_reload(std::string file, bool success, std::vector<std::string> diagnostics) {
  file_ = std::move(file);
  last_reload_ = {.time = loop_.wall_now(), .success = success, .diagnostics = std::move(diagnostics)};
}

void StatusBoard::watch(Rollout& rollout) {
  rollout_ = &rollout;
  tick();
}

void StatusBoard::tick() {
  tick_.arm(kTick);
  dependencies_.upstreams.forget_troubles();
  dependencies_.upstreams.tell_failing();
  log::tell_suppressed(loop_.now());
  traffic_.sample(dependencies_.metrics.workers(), loop_.now());
  recent_.sample(dependencies_.metrics.workers(), loop_.now());
  if (events_.listened_to()) events_.publish(json());
}

// Where an app is to blame, its own words say more than the fault; they are those of now, a moment later.
void StatusBoard::note_faults(std::vector<FaultRecord> records) {
  const auto of_app = [](const FaultRecord& record) {
    return record.fault == Fault::kAppStartFailed || record.fault == Fault::kAppParked;
  };
  const std::vector<AppView> apps =
      std::ranges::any_of(records, of_app) ? dependencies_.upstreams.apps() : std::vector<AppView>();
  for (FaultRecord& record : records) {
    if (of_app(record)) {
      const auto app = std::ranges::find(apps, record.upstream, &AppView::name);
      if (app != apps.end()) record.detail = app->failure_text;
    }
    dependencies_.upstreams.troubles().note_fault(record);
    faults_.note(std::move(record));
  }
}

StatusFacts StatusBoard::facts() const {
  return {
      .process = {.now = loop_.wall_now(),
                  .monotonic_now = loop_.now(),
                  .uptime = loop_.now() - started_,
                  .workers = rollout_->workers().size(),
                  .draining = dependencies_.status.draining},
      .configuration = {.file = file_, .in_force_since = dependencies_.status.last_reload, .last_reload = last_reload_},
      .snapshot = rollout_->snapshot(),
      .bound = rollout_->bound(),
      .counts = dependencies_.counts,
      .troubles = dependencies_.upstreams.troubles(),
      .apps = dependencies_.upstreams.apps(),
      .traffic = traffic_,
      .recent = recent_,
      .workers = dependencies_.metrics.workers(),
      .faults = faults_,
      .registrations = rollout_->registrations().views()};
}

std::string StatusBoard::json() const {
  return status_json(facts());
}

std::string StatusBoard::table() const {
  return status_table(json(), TableColours::kPlain).value_or("");  // what we wrote we can read
}

}  // namespace gatehouse
