#include "proxy/apps/process/spawn.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>

#include "proxy/apps/process/child_side.h"

namespace gatehouse {

namespace {

constexpr int kAboveWhatTheChildUses = 10;

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> candidates_for(const SpawnPlan& plan) {
  const std::string& program = plan.command.front();
  if (program.find('/') != std::string::npos) return {program};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : plan.environment) {
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  }
  std::vector<std::string> candidates;
  for (bool more = true; more;) {
    const std::size_t end = path.find(':');
    more = end != std::string_view::npos;
    const std::string_view folder = path.substr(0, end);
    candidates.push_back(std::string(folder.empty() ? "." : folder) + "/" + program);
    if (more) path.remove_prefix(end + 1);
  }
  return candidates;
}

// A duplicate that none of the child's own descriptors 0-3 can overwrite.
Fd moved_up(int fd) {
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, kAboveWhatTheChildUses));
}

SpawnFailure denied(std::string what, int code) {
  return {ExitReason::kExecDenied, std::move(what) + ": " + std::generic_category().message(code)};
}

SpawnFailure explain(const Child& child, const ChildReport& report) {
  const std::string why = std::generic_category().message(report.code);
  switch (report.step) {
    case ChildStep::kDescriptors:
      return {ExitReason::kExecDenied, "cannot prepare the process: " + why};
    case ChildStep::kIdentity:
      return {ExitReason::kExecDenied, "cannot become the user " + child.user + ": " + why};
    case ChildStep::kDirectory:
      return {report.code == ENOENT ? ExitReason::kExecNotFound : ExitReason::kExecDenied,
              "cannot enter the directory " + child.directory + ": " + why};
    case ChildStep::kExec:
      break;
  }
  const std::string program = "cannot run " + child.program + ": ";
  if (report.code != ENOENT) return {ExitReason::kExecDenied, program + why};
  if (report.found) {
    return {ExitReason::kExecNotFound, program + "the interpreter or loader that it names is missing"};
  }
  return {ExitReason::kExecNotFound, program + (child.program.contains('/') ? "no such file" : "not found in PATH")};
}

// The child must not run a handler of ours: signals stay blocked from before the fork until it has reset them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// What the child needs, allocated before there is one.
struct Prepared {
  std::vector<std::string> candidates, arguments, environment;
  std::vector<char*> candidate_pointers, argument_pointers, environment_pointers;
  std::string listen_pid = "LISTEN_PID=" + std::string(20, '\0');
  Fd in, out, err, listening, cgroup, report_in, report_out;
  ChildPlan plan;
};

std::optional<SpawnFailure> open_descriptors(const SpawnPlan& plan, Prepared& prepared) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return denied("cannot make a pipe", errno);
  prepared.report_out = Fd(ends[0]);
  const Fd low(ends[1]);
  prepared.report_in = moved_up(low.get());
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  prepared.in = moved_up(null.get());
  prepared.out = moved_up(plan.out >= 0 ? plan.out : STDOUT_FILENO);
  prepared.err = moved_up(plan.err >= 0 ? plan.err : STDERR_FILENO);
  if (!prepared.report_in || !prepared.in || !prepared.out || !prepared.err) {
    return denied("cannot open descriptors", errno);
  }
  if (plan.listening >= 0 && !(prepared.listening = moved_up(plan.listening))) {
    return denied("cannot hand over the listening socket", errno);
  }
  if (plan.cgroup_procs >= 0) prepared.cgroup = moved_up(plan.cgroup_procs);
  return std::nullopt;
}

void lay_out(const SpawnPlan& plan, Prepared& prepared) {
  prepared.candidates = candidates_for(plan);
  prepared.arguments = plan.command;
  prepared.environment = plan.environment;
  prepared.candidate_pointers = pointers_to(prepared.candidates);
  prepared.argument_pointers = pointers_to(prepared.arguments);
  prepared.environment_pointers = pointers_to(prepared.environment);
  for (char*& entry : prepared.environment_pointers) {
    if (entry != nullptr && std::string_view(entry).starts_with("LISTEN_PID=")) entry = prepared.listen_pid.data();
  }
  ChildPlan& child = prepared.plan;
  child.candidates = prepared.candidate_pointers.data();
  child.arguments = prepared.argument_pointers.data();
  child.environment = prepared.environment_pointers.data();
  child.listen_pid_digits = prepared.listen_pid.data() + std::string_view("LISTEN_PID=").size();
  child.directory = plan.directory.empty() ? nullptr : plan.directory.c_str();
  child.standard[0] = prepared.in.get();
  child.standard[1] = prepared.out.get();
  child.standard[2] = prepared.err.get();
  child.listening = prepared.listening.get();
  child.cgroup_procs = prepared.cgroup.get();
  child.report = prepared.report_in.get();
  child.parent = ::getpid();
}

}  // namespace

std::expected<Child, SpawnFailure> spawn(const SpawnPlan& plan) {
  Prepared prepared;
  if (auto failed = open_descriptors(plan, prepared)) return std::unexpected(*std::move(failed));
  lay_out(plan, prepared);
  if (plan.user) {
    prepared.plan.identity = &*plan.user;
    // So that /dev/stdout and /dev/stderr can be opened again by who they are for. Where that fails they cannot.
    for (const int fd : {plan.out, plan.err}) {
      if (fd >= 0) (void)!::fchown(fd, plan.user->uid, plan.user->gid);
    }
  }
  pid_t pid = -1;
  {
    const SignalsBlocked blocked;
    pid = ::fork();
    if (pid == 0) become_child(prepared.plan);
  }
  if (pid < 0) return std::unexpected(denied("cannot make a process", errno));
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // the C library's has no C++ linkage
  if (!pidfd) {
    SpawnFailure failure = denied("cannot watch the process", errno);
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(std::move(failure));
  }
  return Child{.pid = pid,
               .pidfd = std::move(pidfd),
               .report = std::move(prepared.report_out),
               .program = plan.command.front(),
               .directory = plan.directory,
               .user = plan.user ? plan.user->name : std::string()};
}

std::optional<SpawnFailure> why_not_run(const Child& child) {
  ChildReport report{};
  if (::read(child.report.get(), &report, sizeof report) != static_cast<ssize_t>(sizeof report)) return std::nullopt;
  return explain(child, report);
}

}  // namespace gatehouse
