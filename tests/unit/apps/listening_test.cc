// Processes that do not listen where they should: not any more, elsewhere, or only for a while because they are busy.
#include <poll.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/apps/listener_check.h"
#include "tests/support/app_testing.h"
#include "tests/support/loop_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::alive;
using testing_support::listening_program;

class ListenerCheckTest : public testing_support::LoopTest {
 protected:
  void pass(Duration time) {
    for (Duration passed{0}; passed < time; passed += 100ms) advance(100ms);
  }
  // As many as the system lets wait, so that the next one gets no answer, or EAGAIN.
  void fill_backlog(const Address& address) {
    for (int i = 0; i < 3; ++i) {
      if (Result<Fd> connected = sockets::connect(address)) waiting.push_back(*std::move(connected));
    }
  }

  testing_support::TemporaryFolder folder;
  const Address socket = Address::parse("unix:" + (folder.path() / "s").native()).value();
  std::vector<Fd> waiting;
  ListenerCheck check{loop, [this] { log.emplace_back("gone"); }};
};

TEST_F(ListenerCheckTest, TwoSecondsOfRefusalsAreTheEndOfAListener) {
  {
    const Result<Fd> closed = sockets::listen(socket);
  }
  for (const bool unlinked : {false, true}) {
    if (unlinked) std::filesystem::remove(folder.path() / "s");
    log.clear();
    check.begin(socket);
    pass(1s);
    check.begin(socket);  // adds nothing
    pass(900ms);
    EXPECT_EQ(log, testing_support::Log{});
    pass(400ms);
    EXPECT_EQ(log, testing_support::Log{"gone"});
    pass(5s);
    EXPECT_EQ(log.size(), 1U);
  }
}

TEST_F(ListenerCheckTest, OneConnectionEndsItAndTheNextRefusalBeginsAnew) {
  check.begin(socket);
  pass(1900ms);
  Result<Fd> listener = sockets::listen(socket);
  pass(300ms);
  std::filesystem::remove(folder.path() / "s");
  pass(5s);
  EXPECT_EQ(log, testing_support::Log{});
  check.begin(socket);
  pass(1900ms);
  EXPECT_EQ(log, testing_support::Log{});
  pass(400ms);
  EXPECT_EQ(log, testing_support::Log{"gone"});
}

TEST_F(ListenerCheckTest, AFullBacklogIsNoRefusal) {
  const Result<Fd> local = sockets::listen(socket, {.backlog = 0});
  const Result<Fd> tcp = sockets::listen(Address::parse("127.0.0.1:0").value(), {.reuse_port = false, .backlog = 0});
  ASSERT_TRUE(local && tcp);
  const Address port = Address::local_of(tcp->get());
  for (const Address& address : {socket, port}) {
    fill_backlog(address);
    check.begin(address);
    pass(5s);
    EXPECT_EQ(log, testing_support::Log{}) << address.to_string();
  }
}

TEST_F(ListenerCheckTest, OneThatIsStoppedSaysNothing) {
  check.begin(socket);
  pass(1s);
  check.stop();
  pass(5s);
  EXPECT_EQ(log, testing_support::Log{});
}

class LostListenerTest : public testing_support::AppHostTest {
 protected:
  // An eager app whose process, told by SIGUSR1, does what `then` says.
  void start(AppTransport transport, const std::string& then) {
    AppSpec app = spec(listening_program("", "signal.signal(signal.SIGUSR1, lambda *_: " + then + ")"));
    app.start = AppStart::kEager;
    app.transport = transport;
    host->configure({app});
    ASSERT_TRUE(run_until([&] { return serves(); }));
    first = ready()[0];
  }
  bool refuses() const {
    const Result<Fd> connected = sockets::connect(first.address);
    if (!connected) return true;
    pollfd outcome{.fd = connected->get(), .events = POLLOUT, .revents = 0};
    ::poll(&outcome, 1, -1);
    return sockets::take_error(connected->get()) != 0;
  }
  void stop_listening() {
    ::kill(first.pid, SIGUSR1);
    ASSERT_TRUE(run_until([&] { return refuses(); }));
  }
  void expect_replaced() {
    std::string why;
    ASSERT_TRUE(run_until([&] {
      if (!view.failure_text.empty()) why = view.failure_text;
      return ready().size() == 1 && ready()[0].id != first.id && !alive(first.pid);
    }));
    EXPECT_EQ(why, "does not listen on " + first.address.to_string() + " any more, and is replaced");
    EXPECT_EQ(ready()[0].slot, first.slot);
    EXPECT_EQ(ends, std::vector<std::string>{"listener_gone"});
    EXPECT_EQ(view.restarts, 1U);
    EXPECT_EQ(drains, std::vector<InstanceId>{first.id});
  }

  InstanceView first;
};

TEST_F(LostListenerTest, AClosedPortIsFoundWithOneRefusedConnection) {
  start(AppTransport::kPort, "s.close()");
  stop_listening();
  host->refused(first.id);
  expect_replaced();
}

TEST_F(LostListenerTest, SoIsASocketThatIsNotInItsFolderAnyMore) {
  start(AppTransport::kSocket, "os.unlink(os.environ['SOCKET'])");
  stop_listening();
  host->refused(first.id);
  expect_replaced();
}

// It closes its socket, finishes what it has and ends: one failure, not two.
TEST_F(LostListenerTest, OneThatEndsByItselfAfterwardsHasFailedOnce) {
  reports_drained = false;
  start(AppTransport::kPort, "s.close()");
  stop_listening();
  host->refused(first.id);
  ASSERT_TRUE(run_until([&] { return drains.size() == 1; }));
  ::kill(first.pid, SIGKILL);
  expect_replaced();
}

TEST_F(LostListenerTest, OneThatIsStoppedOnPurposeIsNot) {
  reports_drained = false;
  start(AppTransport::kPort, "s.close()");
  stop_listening();
  host->refused(first.id);
  ASSERT_TRUE(host->command("shop", AppHost::Command::kStop).has_value());
  run_for(2500ms);
  EXPECT_EQ(view.restarts, 0U);
  host->drained(first.id);
  ASSERT_TRUE(run_until([&] { return ends.size() == 1; }));
  EXPECT_EQ(ends, std::vector<std::string>{"stopped"});
}

TEST_F(LostListenerTest, OneThatListensElsewhereIsToldWhere) {
  AppSpec app = spec({"python3", "-c",
                      "import signal,socket\n"
                      "a=socket.socket(); a.bind(('127.0.0.1',0)); a.listen()\n"
                      "b=socket.socket(socket.AF_INET6); b.setsockopt(socket.IPPROTO_IPV6,socket.IPV6_V6ONLY,1); "
                      "b.bind(('::',a.getsockname()[1])); b.listen()\n"
                      "open('port','w').write(str(a.getsockname()[1]))\n"
                      "signal.pause()\n"});
  app.process.directory = folder.path().native();
  app.timing.start_timeout = 2s;
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  const std::string port = testing_support::contents_of(folder.path() / "port");
  EXPECT_EQ(start_failures[0].failure, ExitReason::kStartTimeout);
  EXPECT_TRUE(start_failures[0].failure_text.starts_with("was not ready within 2.0 s: it listens on 127.0.0.1:" + port +
                                                         " and [::]:" + port + ", not on PORT "))
      << start_failures[0].failure_text;
}

}  // namespace
}  // namespace gatehouse
