#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/io_watcher.h"
#include "proxy/apps/log_pipe.h"
#include "proxy/apps/process/orphans.h"
#include "proxy/apps/process/port_owner.h"
#include "proxy/apps/process/spawn.h"
#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

class SpawnTest : public testing_support::RealLoopTest {
 protected:
  // Runs it to its end; its standard output.
  std::string output_of(SpawnPlan plan) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd out(ends[0]);
    Fd in(ends[1]);
    plan.out = in.get();
    auto child = spawn(plan);
    in.reset();
    EXPECT_TRUE(child.has_value());
    if (!child) return child.error().text;
    std::string text;
    char chunk[4096];
    for (ssize_t got = 0; (got = ::read(out.get(), chunk, sizeof chunk)) > 0;) {
      text.append(chunk, static_cast<std::size_t>(got));
    }
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &info, WEXITED), 0);
    return text;
  }
  // Waits until the program has taken the place of what was forked.
  static void runs(const Child& child) {
    pollfd report{.fd = child.report.get(), .events = 0, .revents = 0};
    EXPECT_EQ(::poll(&report, 1, 20'000), 1);
  }
  static std::vector<std::string> python(const std::string& code) { return {"python3", "-c", code}; }
  static std::vector<std::string> basic() { return {"PATH=/usr/local/bin:/usr/bin:/bin"}; }
};

TEST_F(SpawnTest, TheChildHasNoDescriptorsButThree) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // not close-on-exec, on purpose
  ASSERT_GE(leaked, 3);
  // The fourth is the one that listdir itself reads with.
  EXPECT_EQ(output_of({.command = python("import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"),
                       .environment = basic()}),
            "[0, 1, 2, 3]\n");
  ::close(leaked);
}

TEST_F(SpawnTest, AListeningSocketIsDescriptorThreeAndItsPidIsTold) {
  const Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  auto environment = basic();
  environment.insert(environment.end(), {"LISTEN_FDS=1", "LISTEN_PID="});
  EXPECT_EQ(output_of({.command = python("import os,socket; s=socket.socket(fileno=3); "
                                         "print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), "
                                         "int(os.environ['LISTEN_PID']) == os.getpid())"),
                       .environment = environment,
                       .listening = listening.get()}),
            "1 True\n");
}

TEST_F(SpawnTest, TheChildStartsWithACleanSlate) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old = std::signal(SIGHUP, SIG_IGN);
  const testing_support::TemporaryFolder folder;
  const std::string seen = output_of(
      {.command = {"/bin/sh", "-c",
                   "pwd; umask; ps -o sid= -p $$ | tr -d ' ' | grep -qx $$ && echo leader; readlink /proc/$$/fd/0; "
                   "exec grep -E '^(SigBlk|SigIgn|NoNewPrivs):' /proc/self/status"},
       .directory = folder.path().native(),
       .environment = basic()});
  std::signal(SIGHUP, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(seen,
            folder.path().native() +
                "\n0022\nleader\n/dev/null\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_F(SpawnTest, TheEnvironmentIsTheGivenOneOnly) {
  EXPECT_EQ(output_of({.command = {"env"}, .environment = {"A=1", "PATH=/usr/bin:/bin"}}), "A=1\nPATH=/usr/bin:/bin\n");
}

TEST_F(SpawnTest, RootRunsItAsAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(
      output_of({.command = python("import os; print(os.getresuid(), os.getresgid(), 0 in os.getgroups(), flush=True); "
                                   "open('/dev/stdout', 'w').write('reopened\\n')"),
                 .directory = "/",
                 .environment = basic(),
                 .user = identity_to_take("nobody").value()}),
      "(65534, 65534, 65534) (65534, 65534, 65534) False\nreopened\n");
}

TEST_F(SpawnTest, WhatCannotBeRunIsToldWithItsReason) {
  const testing_support::TemporaryFolder folder;
  const std::string plain = folder.write("plain", "text");
  const std::string script = folder.write("script", "#!/no/such/interpreter\n");
  ASSERT_EQ(::chmod(script.c_str(), 0700), 0);
  const auto failure_of = [](SpawnPlan plan) {
    plan.environment = basic();
    const auto child = spawn(plan);
    std::optional<SpawnFailure> failure;
    if (child) {
      ::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), nullptr, WEXITED);
      failure = why_not_run(*child);
    } else {
      failure = child.error();
    }
    EXPECT_TRUE(failure.has_value());
    return failure ? std::string(label(failure->reason)) + ": " + failure->text : "";
  };
  EXPECT_EQ(failure_of({.command = {"no-such-program"}}),
            "exec_not_found: cannot run no-such-program: not found in PATH");
  EXPECT_EQ(failure_of({.command = {"./x"}, .directory = "/tmp"}), "exec_not_found: cannot run ./x: no such file");
  EXPECT_EQ(failure_of({.command = {plain}}), "exec_denied: cannot run " + plain + ": Permission denied");
  EXPECT_EQ(failure_of({.command = {script}}),
            "exec_not_found: cannot run " + script + ": the interpreter or loader that it names is missing");
  EXPECT_EQ(failure_of({.command = {"true"}, .directory = "/no/such"}),
            "exec_not_found: cannot enter the directory /no/such: No such file or directory");
}

TEST_F(SpawnTest, AKilledChildIsNoticedThroughItsDescriptor) {
  auto child = spawn({.command = {"sleep", "1000"}, .environment = basic()});
  ASSERT_TRUE(child.has_value());
  bool ended = false;
  const IoWatcher watcher(loop, child->pidfd.get(), [&](IoEvents events) { ended |= events.readable; });
  ::kill(child->pid, SIGKILL);
  ASSERT_TRUE(run_until([&] { return ended; }));
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &info, WEXITED), 0);
  EXPECT_EQ(info.si_code, CLD_KILLED);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST_F(SpawnTest, TheWholeTreeIsKilledWithThoseThatLeftTheirSession) {
  become_subreaper();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd out(ends[0]);
  Fd in(ends[1]);
  auto environment = basic();
  environment.emplace_back("GATEHOUSE_INSTANCE=test.1");
  auto child = spawn({.command = python("import os,time,signal\n"
                                        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                                        "if os.fork() == 0:\n"
                                        " os.setsid()\n"
                                        " if os.fork(): os._exit(0)\n"
                                        " os.setsid()\n"
                                        " print('escaped', os.getpid(), flush=True)\n"
                                        "while True: signal.pause()\n"),
                      .environment = environment,
                      .out = in.get()});
  in.reset();
  ASSERT_TRUE(child.has_value());
  std::string said(64, '\0');
  const ssize_t got = ::read(out.get(), said.data(), said.size());
  ASSERT_GT(got, 8);
  const int escaped = std::stoi(said.substr(8));
  ASSERT_TRUE(testing_support::alive(escaped));
  Orphans orphans;
  orphans.own(child->pid);
  // Once its parent has gone it is ours, and only its environment tells whose it was.
  ASSERT_TRUE(run_until([&] {
    return std::ranges::any_of(
        ProcessTable::read().tree({.leader = child->pid, .variable = "GATEHOUSE_INSTANCE=test.1"}),
        [&](const ProcessEntry& entry) { return entry.pid == escaped; });
  }));
  Orphans::kill_tree({.leader = child->pid, .variable = "GATEHOUSE_INSTANCE=test.1"});
  EXPECT_TRUE(run_until([&] {
    orphans.reap();
    return !testing_support::alive(escaped);
  }));
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST_F(SpawnTest, OrphansThatEndAreReapedAndTheChildIsNot) {
  become_subreaper();
  auto child =
      spawn({.command = {"/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do (sh -c 'exit 0' &) ; done; exec sleep 1000"},
             .environment = basic()});
  ASSERT_TRUE(child.has_value());
  Orphans orphans;
  orphans.own(child->pid);
  ::kill(child->pid, SIGKILL);
  EXPECT_TRUE(run_until([&] {
    orphans.reap();
    const ProcessTable table = ProcessTable::read();
    return std::ranges::none_of(table.entries(), [&](const ProcessEntry& entry) {
      return entry.zombie && entry.parent == ::getpid() && entry.pid != child->pid;
    });
  }));
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &info, WEXITED), 0);
  EXPECT_EQ(info.si_pid, child->pid);
}

TEST_F(SpawnTest, WhoseAPortIsCanBeTold) {
  const Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  const std::uint16_t port = Address::local_of(listening.get()).port();
  auto child = spawn({.command = {"sleep", "1000"}, .environment = basic(), .listening = listening.get()});
  auto other = spawn({.command = {"sleep", "1000"}, .environment = basic()});
  ASSERT_TRUE(child.has_value() && other.has_value());
  runs(*child);
  runs(*other);
  EXPECT_EQ(owner_of_port(port, {.leader = child->pid}), PortOwner::kOurs);
  EXPECT_EQ(owner_of_port(port, {.leader = other->pid}), PortOwner::kOther);
  EXPECT_EQ(owner_of_port(1, {.leader = other->pid}), PortOwner::kNobody);
  EXPECT_EQ(listens_on({.leader = child->pid}), "0.0.0.0:" + std::to_string(port));
  EXPECT_EQ(listens_on({.leader = other->pid}), "");
  for (const Child* one : {&*child, &*other}) {
    ::kill(one->pid, SIGKILL);
    ::waitid(P_PIDFD, static_cast<id_t>(one->pidfd.get()), nullptr, WEXITED);
  }
}

TEST_F(SpawnTest, ASignalReachesItsProcessAndNoLaterOneOfThatNumber) {
  auto child = spawn({.command = {"sleep", "1000"}, .environment = basic()});
  ASSERT_TRUE(child.has_value());
  const ProcessTable table = ProcessTable::read();
  const auto found = std::ranges::find(table.entries(), child->pid, &ProcessEntry::pid);
  ASSERT_NE(found, table.entries().end());
  ProcessEntry another = *found;
  --another.started;
  ProcessTable::signal(another, SIGKILL);
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &info, WEXITED | WNOHANG), 0);
  EXPECT_EQ(info.si_pid, 0);
  ProcessTable::signal(*found, SIGKILL);
  EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, SIGKILL);
}

class LogPipeTest : public SpawnTest {
 protected:
  void run(LogPipe& pipe, const std::string& code) {
    ASSERT_TRUE(pipe.open().has_value());
    auto child = spawn({.command = python(code), .environment = basic(), .out = pipe.out(), .err = pipe.err()});
    ASSERT_TRUE(child.has_value());
    pid = child->pid;
    pipe.started(child->pid);
    bool ended = false;
    const IoWatcher watcher(loop, child->pidfd.get(), [&](IoEvents) { ended = true; });
    ASSERT_TRUE(run_until([&] { return ended; }));
    ::waitid(P_PIDFD, static_cast<id_t>(child->pidfd.get()), nullptr, WEXITED);
    pipe.finish();
  }
  LogPipe::Setting setting() {
    return {.app = "shop", .slot = 2, .write = [this](const std::string& line) { lines.push_back(line); }};
  }
  int pid = 0;
  std::vector<std::string> lines;
};

TEST_F(LogPipeTest, LinesAreTaggedWithAppSlotPidAndStream) {
  LogPipe pipe(loop, setting());
  run(pipe, "import sys; print('out', flush=True); sys.stderr.write('no newline\\x1b')");
  std::ranges::sort(lines);
  const std::string tag = "app shop slot 2 pid " + std::to_string(pid) + " ";
  EXPECT_EQ(lines, (std::vector<std::string>{tag + "stderr: no newline\\x1b", tag + "stdout: out"}));
  EXPECT_NE(pipe.last_output().find("out\n"), std::string::npos);
}

TEST_F(LogPipeTest, WhatIsHiddenIsNotPassedOnAndNotTold) {
  LogPipe pipe(loop, setting());
  pipe.hide("c0ffee");
  run(pipe, "print('expected c0ffee, c0ffee')");
  const std::string tag = "app shop slot 2 pid " + std::to_string(pid) + " ";
  EXPECT_EQ(lines, (std::vector<std::string>{tag + "stdout: expected (hidden), (hidden)"}));
  EXPECT_EQ(pipe.last_output(), "expected (hidden), (hidden)\n");
}

TEST_F(LogPipeTest, AnUnfinishedLineIsPassedOnAfterAMoment) {
  LogPipe pipe(loop, setting());
  ASSERT_TRUE(pipe.open().has_value());
  ASSERT_EQ(::write(pipe.out(), "Password: ", 10), 10);
  EXPECT_TRUE(run_until([&] { return !lines.empty(); }));
  EXPECT_EQ(lines, (std::vector<std::string>{"app shop slot 2 pid 0 stdout: Password: "}));
}

TEST_F(LogPipeTest, AFloodIsReadToItsEndAndWhatIsTooMuchIsCounted) {
  LogPipe::Setting limited = setting();
  limited.rate.lines = 10;
  LogPipe pipe(loop, std::move(limited));
  run(pipe, "import sys\nfor i in range(200000): sys.stdout.write('x' * 99 + '\\n')\nprint('the end')");
  std::uint64_t passed = 0;
  std::uint64_t dropped = 0;
  for (const std::string& line : lines) {
    const std::size_t at = line.find("output: ");
    if (at == std::string::npos) {
      ++passed;
    } else {
      dropped += std::stoull(line.substr(at + 8));
    }
  }
  EXPECT_EQ(passed + dropped, 200'001U);
  EXPECT_LE(passed, 200U);
  EXPECT_TRUE(pipe.last_output().ends_with("the end\n"));
  EXPECT_EQ(pipe.last_output().size(), LastOutput::kMost);
}

}  // namespace
}  // namespace gatehouse
