#include "proxy/apps/hook_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <format>
#include <string_view>
#include <utility>

#include "common/log.h"
#include "proxy/apps/process/orphans.h"

namespace gatehouse {

namespace {

// Not that of instances, which end their trees by it.
constexpr std::string_view kHookMarker = "GATEHOUSE_HOOK";

LogPipe::Setting tagged(LogPipe::Setting setting, AppHook hook) {
  setting.hook = label(hook);
  return setting;
}

}  // namespace

const std::vector<std::string>& command_of(const HookOptions& hooks, AppHook hook) {
  switch (hook) {
    case AppHook::kStarted:
      return hooks.started;
    case AppHook::kFailed:
      return hooks.failed;
    case AppHook::kRecycled:
      break;
  }
  return hooks.recycled;
}

HookRun::HookRun(AppContext& context, std::shared_ptr<const AppSpec> spec, HookOccasion occasion,
                 std::move_only_function<void(HookResult)> done)
    : context_(context),
      spec_(std::move(spec)),
      occasion_(std::move(occasion)),
      done_(std::move(done)),
      output_(context.loop, tagged(output_setting(context, *spec_, occasion_.slot), occasion_.hook)),
      deadline_(context.loop, [this] { on_deadline(); }),
      question_([this](const Files& files) { on_files(files); }) {
  deadline_.arm(spec_->hooks.timeout);
  question_.ask(context_.file_threads.of(spec_->process.user), [spec = spec_] {
    Files files{.user = identity_to_take(spec->process.user), .environment = {}};
    if (files.user) files.environment = environment_from_file(spec->process.environment_file, *files.user);
    return files;
  });
}

HookRun::~HookRun() {
  if (child_.pid <= 0) return;
  kill();
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(child_.pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  context_.orphans.disown(child_.pid);
}

void HookRun::on_files(const Files& files) {
  if (late_) return;
  if (!files.user) return end(HookResult::kFailed, files.user.error().message);
  if (!files.environment) return end(HookResult::kFailed, files.environment.error().message);
  if (const auto why_not = start(*files.user, *files.environment)) end(HookResult::kFailed, *why_not);
}

std::optional<std::string> HookRun::start(const AppUser& user, const Environment& from_file) {
  const std::uint64_t id = ++context_.last_id;
  const std::string mark = std::format("{}.{}", ::getpid(), id);
  marker_ = std::format("{}={}", kHookMarker, mark);
  Environment added{{"GATEHOUSE_APP", spec_->name},
                    {"GATEHOUSE_EVENT", std::string(label(occasion_.hook))},
                    {"GATEHOUSE_INSTANCE", std::to_string(occasion_.slot)},
                    {"GATEHOUSE_REASON", occasion_.reason},
                    {std::string(kHookMarker), mark}};
  if (occasion_.pid > 0) added.emplace_back("GATEHOUSE_PID", std::to_string(occasion_.pid));
  if (Result<> opened = output_.open(); !opened) return opened.error().message;
  cgroup_ = context_.cgroups.make(id);
  const Fd procs = cgroup_ ? cgroup_->open_procs() : Fd();
  auto child = spawn({.command = command_of(spec_->hooks, occasion_.hook),
                      .directory = spec_->process.directory,
                      .environment = environment_of(spec_->process, user, from_file, added),
                      .user = user,
                      .out = output_.out(),
                      .err = output_.err(),
                      .cgroup_procs = procs.get()});
  if (!child) return child.error().text;
  child_ = *std::move(child);
  context_.orphans.own(child_.pid);
  output_.started(child_.pid);
  exit_ = std::make_unique<IoWatcher>(context_.loop, child_.pidfd.get(), [this](IoEvents) { on_exit(); });
  return std::nullopt;
}

void HookRun::on_exit() {
  siginfo_t info{};
  const auto pidfd = static_cast<id_t>(child_.pidfd.get());
  if (::waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
  kill();  // as long as it has not been waited for, its number and its group are nobody else's
  ::waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG);
  context_.orphans.disown(child_.pid);
  child_.pid = -1;
  exit_.reset();
  output_.finish();
  if (late_) {
    const std::chrono::duration<double> given = spec_->hooks.timeout;
    return end(HookResult::kTimeout, std::format("did not end within {:.1f} s, and was killed", given.count()));
  }
  if (const std::optional<SpawnFailure> failed = why_not_run(child_)) return end(HookResult::kFailed, failed->text);
  if (info.si_code != CLD_EXITED) {
    return end(HookResult::kFailed, std::format("was ended by signal {}", info.si_status));
  }
  if (info.si_status != 0) return end(HookResult::kFailed, std::format("exited with status {}", info.si_status));
  end(HookResult::kOk, "");
}

void HookRun::on_deadline() {
  late_ = true;
  if (child_.pid <= 0) return end(HookResult::kTimeout, "was not run: its user's files do not answer");
  kill();
  deadline_.arm(Orphans::kBetweenKills);
}

void HookRun::kill() {
  if (cgroup_) cgroup_->kill();
  Orphans::kill_tree({.leader = child_.pid, .variable = marker_});
}

void HookRun::end(HookResult result, const std::string& why) {
  deadline_.disarm();
  if (result != HookResult::kOk) {
    log::warn("app {}: the hook {} ({}) {}", spec_->name, label(occasion_.hook),
              command_of(spec_->hooks, occasion_.hook).front(), why);
  }
  done_(result);
}

}  // namespace gatehouse
