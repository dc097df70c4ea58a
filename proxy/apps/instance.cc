#include "proxy/apps/instance.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <format>
#include <iterator>
#include <string_view>

#include "common/crypto/random.h"
#include "common/log.h"
#include "common/text.h"
#include "proxy/apps/environment.h"
#include "proxy/apps/line_cutter.h"
#include "proxy/apps/process/port_owner.h"

namespace gatehouse {

namespace {

// Before the log tells of a start that takes long, and then again and again.
constexpr Duration kFirstLook = std::chrono::seconds(4);
constexpr Duration kNextLook = std::chrono::seconds(5);
constexpr std::chrono::milliseconds kShutdownMessageTimeout{1000};
constexpr const char* kMarker = "GATEHOUSE_INSTANCE";

std::string new_token() {
  std::array<std::uint8_t, 16> bytes{};
  random::fill_secure(bytes);
  return text::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// What the operator has said himself stays as it is.
void add_unless_said(const AppSpec& spec, std::string_view name, std::string value, Environment& environment) {
  const bool said = std::ranges::contains(spec.process.environment, name, [](const auto& one) { return one.first; });
  if (!said) environment.emplace_back(name, std::move(value));
}

// What the ASP.NET Core Module for IIS tells an app. It knows of ports only: on a socket, which is private, the app
// believes the forwarded fields without a token.
void add_module_contract(const AppSpec& spec, const ListenTarget& target, const std::string& token,
                         Environment& environment) {
  if (token.empty()) return add_unless_said(spec, "ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true", environment);
  environment.emplace_back("ASPNETCORE_PORT", std::to_string(target.address().port()));
  environment.emplace_back("ASPNETCORE_TOKEN", token);
  add_unless_said(spec, "ASPNETCORE_APPL_PATH", "/", environment);
  // With "windows;" among them, or with none, an app waits for the token of a Windows user.
  environment.emplace_back("ASPNETCORE_IIS_HTTPAUTH", "anonymous;");
  environment.emplace_back("ASPNETCORE_IIS_WEBSOCKETS_SUPPORTED", "true");
  if (spec.https_port == 0) return;
  add_unless_said(spec, "ASPNETCORE_ANCM_HTTPS_PORT", std::to_string(spec.https_port), environment);
}

int shell_status_of(const SpawnFailure& failed) {
  return failed.reason == ExitReason::kExecNotFound ? 127 : 126;
}

SpawnFailure not_prepared(Error error) {
  return {ExitReason::kExecDenied, std::move(error.message)};
}

}  // namespace

Instance::Instance(AppContext& context, Setting setting, SpareListeners& spares)
    : context_(context),
      setting_(std::move(setting)),
      marker_(std::format("{}={}.{}", kMarker, ::getpid(), setting_.id)),
      output_(context.loop, output_setting(context, *setting_.spec, setting_.slot)),
      watching_{.deadline = Timer(context.loop, [this] { on_deadline(); }),
                .look = Timer(context.loop, [this] { look_elsewhere(); }),
                .elsewhere = FileQuestion<std::string>([this](std::string found) {
                  life_.elsewhere = std::move(found);
                  context_.changed();
                })} {
  life_.since = life_.started = context_.loop.now();
  life_.oom_kills = context_.cgroups.oom_kills();
  if (std::optional<SpawnFailure> failed = start(spares)) {
    life_.state = InstanceState::kStopped;
    finish({.reason = failed->reason,
            .text = std::move(failed->text),
            .failed_start = true,
            .shell_status = shell_status_of(*failed)});
    return;
  }
  watch();
}

Instance::~Instance() {
  if (child_.pid <= 0) return;
  kill();
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(child_.pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  context_.orphans.disown(child_.pid);
}

std::optional<SpawnFailure> Instance::start(SpareListeners& spares) {
  const AppSpec& spec = *setting_.spec;
  if (!setting_.user) return not_prepared(setting_.user.error());
  Result<ListenTarget> target = ListenTarget::prepare({.spec = spec,
                                                       .user = *setting_.user,
                                                       .id = setting_.id,
                                                       .runtime_directory = context_.dependencies.runtime_directory,
                                                       .taken_ports = context_.taken_ports,
                                                       .files = context_.file_threads.of(spec.process.user)},
                                                      spares);
  if (!target) return not_prepared(std::move(target).error());
  target_ = *std::move(target);
  Environment added = target_.environment();
  added.emplace_back(kMarker, marker_.substr(std::strlen(kMarker) + 1));
  if (spec.profile == AppProfile::kAspNetCore) {
    if (spec.transport == AppTransport::kPort) token_ = new_token();
    output_.hide(token_);  // ASP.NET Core writes it where somebody comes without
    add_module_contract(spec, target_, token_, added);
  }
  if (!setting_.environment) return not_prepared(setting_.environment.error());
  AppSpec::Process process = target_.told(spec.process);
  std::vector<std::string> environment = environment_of(process, *setting_.user, *setting_.environment, added);
  setting_.environment->clear();  // of no use any more, and nobody else's business
  if (Result<> opened = output_.open(); !opened) return not_prepared(std::move(opened).error());
  cgroup_ = context_.cgroups.make(setting_.id);
  const Fd procs = cgroup_ ? cgroup_->open_procs() : Fd();
  auto child = spawn({.command = std::move(process.command),
                      .directory = process.directory,
                      .environment = std::move(environment),
                      .user = *setting_.user,
                      .out = output_.out(),
                      .err = output_.err(),
                      .listening = target_.listening(),
                      .cgroup_procs = procs.get()});
  if (!child) return std::move(child).error();
  child_ = *std::move(child);
  return std::nullopt;
}

void Instance::watch() {
  life_.pid = child_.pid;
  context_.orphans.own(child_.pid);
  output_.started(child_.pid);
  watching_.exit = std::make_unique<IoWatcher>(context_.loop, child_.pidfd.get(), [this](IoEvents) { on_exit(); });
  const AppSpec& spec = *setting_.spec;
  watching_.readiness = std::make_unique<Readiness>(
      context_.loop,
      Readiness::Questions{.address = target_.address(),
                           .ready_path = spec.readiness.path,
                           .warmup = spec.readiness.warmup,
                           .host = spec.asked.host,
                           .fields = fields_of_questions(),
                           .warmup_timeout = spec.timing.start_timeout,
                           .listening_user = target_.listening_user()},
      Readiness::Dependencies{.probe = context_.dependencies.probe,
                              .owns_listener = [this] { return owns_listener(); },
                              .decided = [this](Readiness::Verdict verdict) { on_verdict(verdict); }});
  watching_.deadline.arm(spec.timing.start_timeout);
  watching_.look.arm(std::min<Duration>(kFirstLook, spec.timing.start_timeout / 2));
}

// Away from the loop: the lists of the machine's sockets may be long.
void Instance::look_elsewhere() {
  if (life_.state != InstanceState::kStarting || watching_.readiness->accepted()) return;
  watching_.look.arm(kNextLook);
  watching_.elsewhere.ask(context_.file_threads.of(setting_.spec->process.user),
                          [mark = tree()] { return listens_on(mark); });
}

std::vector<std::pair<std::string, std::string>> Instance::pairing_field() const {
  if (token_.empty()) return {};
  return {{"MS-ASPNETCORE-TOKEN", token_}};
}

std::vector<std::pair<std::string, std::string>> Instance::fields_of_questions() const {
  std::vector<std::pair<std::string, std::string>> fields = pairing_field();
  std::ranges::copy(setting_.spec->asked.headers, std::back_inserter(fields));
  return fields;
}

// Where nobody seems to listen although a connection was accepted, the machine does not tell.
bool Instance::owns_listener() const {
  if (setting_.spec->transport != AppTransport::kPort) return true;
  return owner_of_port(target_.address().port(), tree()) != PortOwner::kOther;
}

void Instance::on_verdict(Readiness::Verdict verdict) {
  if (verdict == Readiness::Verdict::kReady) {
    tell_of_redirect();
    return handle(ProcessEvent::kReady);
  }
  if (verdict == Readiness::Verdict::kForeignListener) {
    life_.cause = ExitReason::kForeignListener;
    life_.cause_text = std::format("another user than {} listens on its socket", setting_.spec->process.user);
  } else {
    life_.cause = ExitReason::kWrongPort;
    life_.cause_text =
        std::format("another process listens on port {}, which was meant for it", target_.address().port());
  }
  handle(ProcessEvent::kFailed);
}

void Instance::tell_of_redirect() const {
  const std::string& redirected = watching_.readiness->redirected();
  if (redirected.empty()) return;
  log::info(
      "app {}: slot {}: warm-up was redirected at {}: what that leads to is not warm; `host` and `headers` of "
      "[apps.{}.health] say how it is asked",
      setting_.spec->name, setting_.slot, redirected, setting_.spec->name);
}

void Instance::on_deadline() {
  if (life_.state == InstanceState::kStarting) {
    const bool accepted = watching_.readiness && watching_.readiness->accepted();
    const double seconds = std::chrono::duration<double>(setting_.spec->timing.start_timeout).count();
    life_.cause = accepted ? ExitReason::kReadyFailed : ExitReason::kStartTimeout;
    const bool known = accepted || !life_.elsewhere.empty();
    life_.cause_text =
        known ? std::format("was not ready within {:.1f} s: {}", seconds, waits_for())
              : std::format("did not listen on {} within {:.1f} s", target_.address().to_string(), seconds);
  }
  handle(ProcessEvent::kDeadline);
}

std::string Instance::waits_for() const {
  if (!watching_.readiness) return {};
  const AppSpec& spec = *setting_.spec;
  if (watching_.readiness->accepted()) return watching_.readiness->waits_for();
  const Address& address = target_.address();
  const bool is_socket = spec.transport == AppTransport::kSocket;
  if (life_.elsewhere.empty()) {
    return std::format("it does not listen on {}, which is in {}", address.to_string(), is_socket ? "SOCKET" : "PORT");
  }
  return std::format("it listens on {}, not on {}", printable(life_.elsewhere),
                     is_socket ? "SOCKET " + address.path() : std::format("PORT {} of 127.0.0.1", address.port()));
}

void Instance::check_listener() {
  if (life_.state != InstanceState::kReady || setting_.spec->transport == AppTransport::kInherit) return;
  if (!watching_.listener) {
    watching_.listener = std::make_unique<ListenerCheck>(context_.loop, [this] {
      life_.lost_listener = true;
      context_.changed();
    });
  }
  watching_.listener->begin(target_.address());
}

void Instance::condemn(ExitReason reason, std::string text) {
  life_.cause = reason;
  life_.cause_text = std::move(text);
}

void Instance::handle(ProcessEvent event) {
  const ProcessStep step = process_step(life_.state, event);
  if (step.next != life_.state) {
    if (watching_.listener) watching_.listener->stop();
    life_.state = step.next;
    life_.since = context_.loop.now();
    context_.changed();
  }
  act(step.action);
}

void Instance::act(ProcessAction action) {
  switch (action) {
    case ProcessAction::kNone:
    case ProcessAction::kFinish:  // on_exit() knows how
      return;
    case ProcessAction::kAnnounce:
      if (!life_.ready) life_.ready = context_.loop.now();
      return watching_.deadline.disarm();
    case ProcessAction::kDrain:
      return watching_.deadline.arm(context_.drain_timeout);
    case ProcessAction::kTerminate:
      return terminate();
    case ProcessAction::kKill:
      return kill();
  }
}

void Instance::terminate() {
  life_.asked_to_stop = true;
  watching_.deadline.arm(setting_.spec->timing.stop_timeout);
  if (token_.empty() || !life_.ready) return send_stop_signal();
  AppProbe message{.address = target_.address(),
                   .method = "POST",
                   .path = "/iisintegration",
                   .host = setting_.spec->asked.host,
                   .fields = pairing_field(),
                   .timeout = kShutdownMessageTimeout,
                   .listening_user = target_.listening_user()};
  message.fields.emplace_back("MS-ASPNETCORE-EVENT", "shutdown");
  watching_.shutdown_message =
      context_.dependencies.probe(std::move(message), [this](std::optional<int>) { send_stop_signal(); });
}

void Instance::send_stop_signal() {
  if (child_.pid <= 0) return;
  const int signal = setting_.spec->process.stop_signal;
  // Its number is its own until it has been waited for; a group of that number it makes as the first that it does.
  if (::kill(-child_.pid, signal) != 0) ::kill(child_.pid, signal);
}

void Instance::kill() {
  life_.killed = true;
  if (child_.pid <= 0) return;
  if (cgroup_) cgroup_->kill();
  Orphans::kill_tree(tree());
  watching_.deadline.arm(Orphans::kBetweenKills);
}

void Instance::on_exit() {
  siginfo_t info{};
  const auto pidfd = static_cast<id_t>(child_.pidfd.get());
  if (::waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
  // As long as it has not been waited for, its number and its group are nobody else's.
  if (cgroup_) cgroup_->kill();
  Orphans::kill_tree(tree());
  ::waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG);
  context_.orphans.disown(child_.pid);
  output_.finish();
  InstanceEnd end = end_from(info.si_code, info.si_status);
  child_.pid = -1;
  watching_.deadline.disarm();
  watching_.readiness.reset();
  handle(ProcessEvent::kExited);
  finish(std::move(end));
}

void Instance::finish(InstanceEnd end) {
  end_ = std::move(end);
  context_.changed();
}

std::string Instance::after() const {
  const std::chrono::duration<double> lived = context_.loop.now() - life_.started;
  return std::format(" after {:.1f} s", lived.count());
}

InstanceEnd Instance::end_from(int code, int status) const {
  InstanceEnd end;
  end.failed_start = !life_.ready && !life_.asked_to_stop;
  end.crashed = life_.ready && !life_.asked_to_stop && !life_.cause;
  if (life_.ready) end.ready_for = context_.loop.now() - *life_.ready;
  if (!life_.asked_to_stop && !life_.killed) end.shell_status = code == CLD_EXITED ? status : 128 + status;
  if (life_.asked_to_stop) {
    end.reason = life_.cause.value_or(ExitReason::kStopped);
    end.text = life_.killed ? "did not stop when asked, and was killed" : "stopped";
  } else if (std::optional<SpawnFailure> failed = why_not_run(child_)) {
    end.reason = failed->reason;
    end.text = std::move(failed->text);
    end.shell_status = shell_status_of(*failed);
  } else if (life_.cause) {
    end.reason = *life_.cause;
    end.text = life_.cause_text;
  } else if (code == CLD_EXITED) {
    end.reason = ExitReason::kExited;
    end.text = std::format("exited with status {}", status) + after();
  } else if (status == SIGKILL && context_.cgroups.oom_kills() > life_.oom_kills) {
    end.reason = ExitReason::kOomKilled;
    end.text = "was killed by the kernel for want of memory" + after();
  } else {
    const char* name = ::sigabbrev_np(status);
    end.reason = ExitReason::kSignaled;
    end.text = std::format("was ended by signal {} (SIG{})", status, name != nullptr ? name : "?") + after();
  }
  return end;
}

std::chrono::milliseconds Instance::start_took() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(life_.ready.value_or(life_.started) - life_.started);
}

InstanceView Instance::view() const {
  return {.id = setting_.id,
          .slot = setting_.slot,
          .generation = setting_.generation,
          .state = life_.state,
          .pid = child_.pid > 0 ? child_.pid : 0,
          .address = target_.address(),
          .pairing_token = token_,
          .listening_user = target_.listening_user(),
          .since = life_.since,
          .resident_bytes = resident_bytes_};
}

}  // namespace gatehouse
