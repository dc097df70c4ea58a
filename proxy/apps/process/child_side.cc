#include "proxy/apps/process/child_side.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "proxy/system/user_identity.h"

namespace gatehouse {

namespace {

constexpr int kListeningDescriptor = 3;  // SD_LISTEN_FDS_START of sd_listen_fds(3)
constexpr mode_t kUmask = 022;

// The limit of open files as we were started with: ours is raised later on, and some programs take a high one badly.
rlimit files_at_start() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) limit = {.rlim_cur = 1024, .rlim_max = 4096};
  return limit;
}
const rlimit kFilesAtStart = files_at_start();

[[noreturn]] void fail(const ChildPlan& plan, ChildStep step, int code, bool found = false) {
  const ChildReport report{.step = step, .code = code, .found = found};
  (void)!::write(plan.report, &report, sizeof report);
  ::_exit(127);
}

void reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);  // refused for some: fine
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void set_descriptors(const ChildPlan& plan) {
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(plan.standard[fd], fd) < 0) fail(plan, ChildStep::kDescriptors, errno);
  }
  const bool listens = plan.listening >= 0;
  if (listens && ::dup2(plan.listening, kListeningDescriptor) < 0) fail(plan, ChildStep::kDescriptors, errno);
  const unsigned first = listens ? kListeningDescriptor + 1 : kListeningDescriptor;
  if (::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(plan, ChildStep::kDescriptors, errno);
}

// The raw calls: the C library's would tell threads that the child does not have.
void take_identity(const ChildPlan& plan) {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (plan.identity == nullptr) return;
  const UserIdentity& identity = *plan.identity;
  if (::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) != 0 ||
      ::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) != 0 ||
      ::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) != 0) {
    fail(plan, ChildStep::kIdentity, errno);
  }
}

void write_own_pid(char* out) {
  char digits[20];
  int count = 0;
  for (auto rest = static_cast<unsigned long>(::getpid()); rest != 0; rest /= 10) {
    digits[count++] = static_cast<char>('0' + rest % 10);
  }
  while (count > 0) *out++ = digits[--count];
  *out = '\0';
}

// As execvp: a candidate that may not be run does not end the search, but is what is told if no other is found.
int run(const ChildPlan& plan) {
  int denied = 0;
  for (char* const* candidate = plan.candidates; *candidate != nullptr; ++candidate) {
    ::execve(*candidate, plan.arguments, plan.environment);
    if (errno == EACCES) {
      denied = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return errno;
    }
  }
  return denied != 0 ? denied : ENOENT;
}

bool is_there(const ChildPlan& plan) {
  for (char* const* candidate = plan.candidates; *candidate != nullptr; ++candidate) {
    if (::access(*candidate, F_OK) == 0) return true;
  }
  return false;
}

}  // namespace

void become_child(const ChildPlan& plan) {
  ::setsid();
  if (plan.cgroup_procs >= 0) (void)!::write(plan.cgroup_procs, "0", 1);
  set_descriptors(plan);
  ::setrlimit(RLIMIT_NOFILE, &kFilesAtStart);
  ::setpriority(PRIO_PROCESS, 0, 0);
  ::umask(kUmask);
  take_identity(plan);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // After the change of user, which clears it. If the parent has gone before, nobody would end us.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != plan.parent) ::_exit(127);
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) fail(plan, ChildStep::kDirectory, errno);
  write_own_pid(plan.listen_pid_digits);
  reset_signals();
  const int code = run(plan);
  fail(plan, ChildStep::kExec, code, is_there(plan));
}

}  // namespace gatehouse
