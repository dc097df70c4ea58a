#include "proxy/apps/app.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/text.h"
#include "proxy/apps/last_words.h"
#include "proxy/apps/line_cutter.h"

namespace gatehouse {

namespace {

// What is deployed comes in many files; but one that never rests must not hide the others for ever.
constexpr ChangeWatch::Timing kDeployed{.quiet = std::chrono::milliseconds(500),
                                        .most_unrest = std::chrono::seconds(10)};
constexpr Duration kFresh = std::chrono::seconds(1);  // an environment file as it was read

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
      telling_{.hooks = AppHooks(context)},
      looking_{.question = FileQuestion<Look>([this](Look look) { on_look(std::move(look)); })},
      watching_{.retry = Timer(context.loop, [this] { context_.changed(); }),
                .offline{context.watcher,
                         [this](const std::string& path) {
                           if (!path.empty() && !text::iequals(path, spec_->offline_file)) return;
                           looking_.due = true;
                           context_.changed();
                         }},
                .changes{context.loop, context.watcher, kDeployed, [this] { look_at_watched(); }},
                .question = FileQuestion<std::optional<WatchedFolders>>(
                    [this](std::optional<WatchedFolders> folders) { on_watched(std::move(folders)); })} {
  wishes_.up = spec_->start == AppStart::kEager;
  watch_files();
}

App::~App() = default;

void App::change(AppSpec spec) {
  if (spec == *spec_ && !wishes_.removed) return;
  const bool spares_processes = [&] {
    AppSpec same = *spec_;
    same.instances = spec.instances;
    same.asked = spec.asked;
    same.hooks = spec.hooks;
    return same == spec;
  }();
  spec_ = std::make_shared<const AppSpec>(std::move(spec));
  wishes_.removed = false;
  wishes_.up |= spec_->start == AppStart::kEager;
  forget_trouble();
  if (spec_->transport != AppTransport::kInherit) spares_.clear();
  if (!spares_processes) recycle(RecycleReason::kConfiguration);
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

App::Running* App::ready_one(InstanceId instance) {
  const auto found = std::ranges::find(running_, instance, [](const Running& r) { return r.instance->id(); });
  return found == running_.end() || found->instance->state() != InstanceState::kReady ? nullptr : &*found;
}

void App::unresponsive(InstanceId instance) {
  if (Running* const hangs = ready_one(instance)) {
    give_up(*hangs, ExitReason::kReadyFailed, "gives no answer any more, and is replaced");
  }
}

void App::refused(InstanceId instance) {
  if (Running* const running = ready_one(instance)) running->instance->check_listener();
}

void App::note_lost_listeners() {
  for (Running& running : running_) {
    if (running.instance->state() != InstanceState::kReady || !running.instance->lost_listener()) continue;
    give_up(
        running, ExitReason::kListenerGone,
        std::format("does not listen on {} any more, and is replaced", running.instance->view().address.to_string()));
  }
}

void App::give_up(Running& running, ExitReason reason, const std::string& text) {
  Instance& instance = *running.instance;
  const Duration ready_for = context_.loop.now() - instance.view().since;
  note_trouble(instance, {.reason = reason, .text = text, .ready_for = ready_for});
  instance.condemn(reason, text);
  drain(running);  // what is in flight there has its time: it may only be slow
  context_.changed();
}

void App::recycle(RecycleReason why, std::string_view what) {
  forget_trouble();
  ++generation_;
  for (Running& running : running_) supersede(running, why, what);
  context_.changed();
}

void App::supersede(Running& running, RecycleReason why, std::string_view what) {
  const InstanceState state = running.instance->state();
  if (running.superseded || (state != InstanceState::kStarting && state != InstanceState::kReady)) return;
  running.superseded = true;
  running.why = why;
  log::info("app {}: slot {} is being replaced: {}{}{}", spec_->name, running.instance->slot(),
            recycling::in_words(why), what.empty() ? "" : ": ", what);
}

void App::forget_trouble() {
  trouble_.backoff.reset();
  trouble_.rapid_fail = RapidFail(spec_->rapid_fail);
}

bool App::may_run() const {
  return !wishes_.removed && !wishes_.stopped && !wishes_.offline && !offline_;
}

void App::reconcile() {
  look_at_files();
  collect_ended();
  note_ready();
  note_lost_listeners();
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
    trouble_.last_exit = end.reason;
    context_.emit(app_event::Ended{
        .app = spec_->name, .reason = end.reason, .failed_start = end.failed_start, .shell_status = end.shell_status});
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
  if (const std::string cause = last_words::cause(trouble_.last_output); !cause.empty()) {
    trouble_.text += ": " + printable(cause);
  }
  ++trouble_.restarts;
  log::warn("app {}: slot {} {}{}", spec_->name, instance.slot(), trouble_.text,
            parked ? "; too many failures: it is parked for a while" : "");
  tell_hook(AppHook::kFailed, instance, parked ? "parked" : label(end.reason));
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
    const Running* const former = replaces(running);
    former == nullptr ? tell_hook(AppHook::kStarted, *running.instance, "ready")
                      : tell_hook(AppHook::kRecycled, *running.instance, label(former->why));
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

}  // namespace gatehouse
