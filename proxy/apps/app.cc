#include "proxy/apps/app.h"

#include <poll.h>

#include <algorithm>
#include <format>
#include <utility>

#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/apps/recycling.h"

namespace gatehouse {

namespace {

constexpr Duration kDebounce = std::chrono::milliseconds(500);
constexpr Duration kFresh = std::chrono::seconds(1);  // an environment file as it was read

constinit log::Limited offline_changes("offline files that came or went");

// Whether somebody has connected to a listening socket that no process serves now.
bool anybody_waits(const SpareListeners& spares) {
  return std::ranges::any_of(spares, [](const Fd& fd) {
    pollfd query{.fd = fd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&query, 1, 0) > 0 && (query.revents & POLLIN) != 0;
  });
}

}  // namespace

App::App(AppContext& context, AppSpec spec)
    : context_(context),
      spec_(std::make_shared<const AppSpec>(std::move(spec))),
      trouble_{.rapid_fail = RapidFail(spec_->rapid_fail)},
      looking_{.question = FileQuestion<Look>([this](Look look) { on_look(std::move(look)); })},
      watching_{.retry = Timer(context.loop, [this] { context_.changed(); }),
                .debounce = Timer(context.loop, [this] { recycle("files have changed"); }),
                .offline{context.watcher,
                         [this](const std::string& path) {
                           if (!path.empty() && path != spec_->offline_file) return;
                           looking_.due = true;
                           context_.changed();
                         }},
                .changes{context.watcher,
                         [this](const std::string& path) {
                           if (path.empty() || is_change_of(*spec_, path)) watching_.debounce.arm(kDebounce);
                         }},
                .question =
                    FileQuestion<WatchedFolders>([this](WatchedFolders folders) { on_watched(std::move(folders)); })} {
  wishes_.up = spec_->start == AppStart::kEager;
  watch_files();
}

App::~App() = default;

void App::change(AppSpec spec) {
  if (spec == *spec_ && !wishes_.removed) return;
  const bool only_count = [&] {
    AppSpec same = *spec_;
    same.instances = spec.instances;
    return same == spec;
  }();
  spec_ = std::make_shared<const AppSpec>(std::move(spec));
  wishes_.removed = false;
  wishes_.up |= spec_->start == AppStart::kEager;
  forget_trouble();
  if (spec_->transport != AppTransport::kInherit) spares_.clear();
  if (!only_count) recycle("its configuration has changed");
  watch_files();
  context_.changed();
}

void App::remove() {
  wishes_.removed = true;
  wishes_.up = false;
  offline_.reset();
  context_.changed();
}

void App::want() {
  wishes_.up |= may_run();
  context_.changed();
}

void App::drained(InstanceId instance) {
  const auto found = std::ranges::find(running_, instance, [](const Running& r) { return r.instance->id(); });
  if (found == running_.end() || found->instance->state() != InstanceState::kDraining) return;
  if (found->idle_stop && context_.dependencies.use) {
    const InstanceUse use = context_.dependencies.use(instance);
    // Somebody came before the drain was known: reconcile() keeps the instance.
    if (use.in_flight > 0 || use.requests != found->requests) return want();
  }
  found->instance->handle(ProcessEvent::kIdle);
}

void App::unresponsive(InstanceId instance) {
  const auto found = std::ranges::find(running_, instance, [](const Running& r) { return r.instance->id(); });
  if (found == running_.end() || found->instance->state() != InstanceState::kReady) return;
  const Duration ready_for = context_.loop.now() - found->instance->view().since;
  note_trouble(*found->instance, {.reason = ExitReason::kReadyFailed,
                                  .text = "gives no answer any more, and is replaced",
                                  .ready_for = ready_for});
  drain(*found);  // what is in flight there has its time: it may only be slow
  context_.changed();
}

void App::recycle(const char* why) {
  forget_trouble();
  ++generation_;
  for (Running& running : running_) supersede(running, why);
  context_.changed();
}

void App::supersede(Running& running, const char* why) {
  const InstanceState state = running.instance->state();
  if (running.superseded || (state != InstanceState::kStarting && state != InstanceState::kReady)) return;
  running.superseded = true;
  log::info("app {}: slot {} is being replaced: {}", spec_->name, running.instance->slot(), why);
}

void App::forget_trouble() {
  trouble_.backoff.reset();
  trouble_.rapid_fail = RapidFail(spec_->rapid_fail);
}

bool App::may_run() const {
  return !wishes_.removed && !wishes_.stopped && !wishes_.offline && !offline_;
}

void App::watch_files() {
  looking_.due = true;
  watching_.offline.clear();
  watching_.changes.clear();
  watching_.question.ask(context_.file_threads.of(spec_->process.user),
                         [spec = spec_, watcher = context_.watcher.handle()] {
                           const Result<AppUser> user = identity_to_take(spec->process.user);
                           return user ? watch_folders_of(*spec, *user, watcher) : WatchedFolders();
                         });
}

void App::on_watched(WatchedFolders folders) {
  for (FileWatcher::Held& folder : folders.offline) watching_.offline.adopt(std::move(folder));
  for (FileWatcher::Held& folder : folders.changes) watching_.changes.adopt(std::move(folder));
}

// Away from the loop: the folder is the app's user's, and so is how long it takes. Who that is may be for another
// machine to say.
void App::look_at_files() {
  if (wishes_.removed || looking_.question.waits() || (!looking_.due && !looking_.environment_due && looked())) return;
  looking_.due = false;
  looking_.since = context_.loop.now();
  const bool environment = std::exchange(looking_.environment_due, false);
  looking_.question.ask(context_.file_threads.of(spec_->process.user), [spec = spec_, environment] {
    Look look{.spec = spec, .user = identity_to_take(spec->process.user), .offline = {}, .environment = {}};
    if (look.user) look.offline = offline_page(spec->offline_file, *look.user);
    if (!environment) return look;
    look.environment = look.user ? environment_from_file(spec->process.environment_file, *look.user)
                                 : Result<Environment>(std::unexpected(look.user.error()));
    return look;
  });
}

void App::on_look(Look look) {
  context_.changed();
  if (look.spec != spec_) return;  // it is asked again
  looking_.at = std::move(look.spec);
  looking_.user = std::move(look.user);
  looking_.told_slow = false;
  if (look.environment) {
    looking_.environment = std::move(look.environment);
    looking_.read_at = context_.loop.now();
  }
  note_offline(std::move(look.offline));
}

void App::note_offline(std::optional<OfflinePage> now) {
  if (now == offline_) return;
  if (now.has_value() != offline_.has_value()) {
    offline_changes.info("app {}: {} {}", spec_->name, spec_->offline_file,
                         now ? "takes it offline" : "is gone: online again");
    wishes_.up = !now && spec_->start == AppStart::kEager;
    if (!now) forget_trouble();
  }
  offline_ = std::move(now);
}

void App::reconcile() {
  look_at_files();
  collect_ended();
  note_ready();
  take_down();
  start_missing();
  publish();
}

void App::collect_ended() {
  for (std::size_t i = 0; i < running_.size();) {
    if (!running_[i].instance->end()) {
      ++i;
      continue;
    }
    std::unique_ptr<Instance> ended = std::move(running_[i].instance);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    const InstanceEnd end = *ended->end();
    if (Fd listening = ended->take_listening()) spares_.push_back(std::move(listening));
    if (end.failed_start || end.crashed) {
      on_failure(*ended, end);
    } else {
      log::info("app {}: slot {} {}", spec_->name, ended->slot(), end.text);
    }
    context_.emit(app_event::Ended{.app = spec_->name, .reason = end.reason, .failed_start = end.failed_start});
    context_.loop.retire(std::move(ended));
  }
  if (running_.empty() && !wishes_.up) spares_.clear();  // who still waits in a backlog learns it
}

void App::note_trouble(const Instance& instance, const InstanceEnd& end) {
  const MonotonicTime now = context_.loop.now();
  trouble_.backoff.failed(now, end.ready_for);
  const bool parked = trouble_.rapid_fail.failed(now);
  trouble_.reason = end.reason;
  trouble_.text = end.text;
  trouble_.last_output = instance.last_output();
  ++trouble_.restarts;
  log::warn("app {}: slot {} {}{}", spec_->name, instance.slot(), end.text,
            parked ? "; too many failures: it is parked for a while" : "");
}

void App::on_failure(const Instance& instance, const InstanceEnd& end) {
  note_trouble(instance, end);
  if (end.failed_start) {
    keep_the_old_ones();
  }
  if (any(InstanceState::kReady) || any(InstanceState::kStarting)) return;
  telling_.start_failed |= end.failed_start;
  wishes_.up = may_run() && (spec_->start == AppStart::kEager || anybody_waits(spares_));
}

// A new generation does not get ready: what serves goes on, and what else is starting to take its place does not.
void App::keep_the_old_ones() {
  for (Running& old : running_) {
    if (!old.superseded || old.instance->state() != InstanceState::kReady || replaced(old)) continue;
    old.superseded = false;
    old.old_at = MonotonicTime::max();
    trouble_.recycle_failed = true;
    for (Running& other : running_) {
      const bool successor = other.instance->slot() == old.instance->slot();
      other.superseded |= successor && other.instance->state() == InstanceState::kStarting;
    }
  }
}

void App::note_ready() {
  const MonotonicTime now = context_.loop.now();
  for (Running& running : running_) {
    if (running.told_ready || running.instance->state() != InstanceState::kReady) continue;
    running.told_ready = true;
    idle_.begin(now);
    running.old_at = recycling::old_at(spec_->recycle, now);
    trouble_.recycle_failed = false;
    trouble_.reason.reset();
    trouble_.text.clear();
    trouble_.last_output.clear();
    log::info("app {}: slot {} pid {} is ready after {} ms", spec_->name, running.instance->slot(),
              running.instance->view().pid, running.instance->start_took().count());
    context_.emit(app_event::Started{.app = spec_->name, .took = running.instance->start_took()});
  }
}

bool App::any(InstanceState state) const {
  return std::ranges::contains(running_, state, [](const Running& r) { return r.instance->state(); });
}

bool App::covered(std::uint32_t slot) const {
  return std::ranges::any_of(running_, [&](const Running& running) {
    const InstanceState state = running.instance->state();
    return running.instance->slot() == slot && !running.superseded &&
           (state == InstanceState::kStarting || state == InstanceState::kReady || running.instance->failing());
  });
}

bool App::replaced(const Running& old) const {
  return std::ranges::any_of(running_, [&](const Running& running) {
    return running.instance->slot() == old.instance->slot() && !running.superseded &&
           running.instance->state() == InstanceState::kReady;
  });
}

void App::drain(Running& running) {
  const bool serves = running.instance->state() == InstanceState::kReady;
  running.instance->handle(ProcessEvent::kDrain);
  if (serves) telling_.drains.push_back(running.instance->id());
}

void App::take_down() {
  const bool up = wishes_.up && may_run();
  for (Running& running : running_) {
    const InstanceState state = running.instance->state();
    if (up && running.idle_stop && state == InstanceState::kDraining && !running.superseded) {
      running.idle_stop = false;
      idle_.begin(context_.loop.now());
      running.instance->handle(ProcessEvent::kResume);
      continue;
    }
    if (state != InstanceState::kReady && state != InstanceState::kStarting) continue;
    const bool obsolete = running.superseded && (state == InstanceState::kStarting || replaced(running));
    if (!up || obsolete || running.instance->slot() >= spec_->instances) drain(running);
  }
}

MonotonicTime App::not_before() const {
  return std::max(trouble_.backoff.retry_at(), trouble_.rapid_fail.parked_until());
}

void App::start_missing() {
  watching_.retry.disarm();
  if (context_.loop.now() < not_before()) watching_.retry.arm_at(not_before());
  if (!wishes_.up || !may_run() || !looked()) return;
  const bool reads_a_file = !spec_->process.environment_file.empty();
  if (context_.loop.now() - looking_.read_at > kFresh) looking_.environment.reset();
  for (std::uint32_t slot = 0; slot < spec_->instances; ++slot) {
    if (covered(slot)) continue;
    if (watching_.retry.armed()) return;
    if (context_.starting >= AppContext::kMostStarting) return;  // whoever gets ready or ends wakes us
    if (reads_a_file && !looking_.environment) {
      looking_.environment_due = true;
      return look_at_files();
    }
    start(slot);
  }
  looking_.environment.reset();  // the next start reads it again
}

void App::start(std::uint32_t slot) {
  auto instance =
      std::make_unique<Instance>(context_,
                                 Instance::Setting{.id = ++context_.last_id,
                                                   .slot = slot,
                                                   .generation = generation_,
                                                   .spec = spec_,
                                                   .user = looking_.user,
                                                   .environment = looking_.environment.value_or(Environment())},
                                 spares_);
  if (instance->state() == InstanceState::kStarting) {
    ++context_.starting;
    context_.taken_ports.push_back(instance->view().address.port());
  }
  running_.push_back({.instance = std::move(instance)});
}

void App::publish() {
  if (!looking_.at && !wishes_.removed) return;  // nobody knows yet whether it is offline
  AppView now = view();
  std::string said = std::format("{} {} {} {} {} {}", label(now.state), now.retry_at.time_since_epoch().count(),
                                 now.failure_text, now.stopped_by_command, now.recycle_failed, now.offline_body);
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
}

}  // namespace gatehouse
