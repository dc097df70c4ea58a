// Apps of another user than ours: who that is, and (which needs root) that nobody else may be found listening on their
// sockets.
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/system/user_identity.h"
#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

using testing_support::AppHostTest;
using testing_support::listening_program;

class AppOfAUserTest : public AppHostTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    AppHostTest::SetUp();
  }
  static AppSpec of_nobody(AppTransport transport, std::vector<std::string> command = listening_program()) {
    AppSpec app = spec(std::move(command));
    app.process.user = "nobody";
    app.transport = transport;
    return app;
  }
};

TEST_F(AppOfAUserTest, OnlyItsUserMayListenOnItsSocket) {
  host->configure({of_nobody(AppTransport::kSocket)});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return serves(); }));
  const auto nobody = identity_to_take("nobody");
  EXPECT_EQ(ready()[0].listening_user, (*nobody)->uid);
}

TEST_F(AppOfAUserTest, AnybodyMayListenOnWhatItsUserCannotReplace) {
  for (const AppTransport transport : {AppTransport::kPort, AppTransport::kInherit}) {
    view = {};
    host->configure({of_nobody(transport)});
    host->want("shop");
    ASSERT_TRUE(run_until([&] { return serves(); }));
    EXPECT_EQ(ready()[0].listening_user, std::nullopt);
    host->configure({});
    ASSERT_TRUE(run_until([&] { return host->views().empty(); }));
  }
}

TEST_F(AppOfAUserTest, ALinkToASocketOfAnotherUserIsAFailedStartAndSaysNothingThere) {
  const std::string path = (folder.path() / "docker.sock").native();
  const auto listener = sockets::listen(Address::parse("unix:" + path).value(), {});
  ASSERT_TRUE(listener.has_value());
  const std::string program = "import os,signal\nos.symlink('" + path + "',os.environ['SOCKET'])\nsignal.pause()\n";
  AppSpec app = of_nobody(AppTransport::kSocket, {"python3", "-c", program});
  app.readiness.path = "/ready";
  host->configure({app});
  host->want("shop");
  ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
  EXPECT_EQ(start_failures[0].failure, ExitReason::kForeignListener);
  EXPECT_EQ(start_failures[0].failure_text, "another user than nobody listens on its socket");
  EXPECT_TRUE(probes.empty());
  const Fd connection(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ASSERT_TRUE(connection);
  char byte = 0;
  EXPECT_EQ(::read(connection.get(), &byte, 1), 0);
}

TEST_F(AppHostTest, AUserThatThereIsNotIsAFailedStart) {
  for (const std::string& file : {std::string(), folder.write("env", "A=1\n")}) {
    AppSpec app = spec();
    app.process.user = "no-such-user";
    app.process.environment_file = file;
    start_failures.clear();
    host->configure({app});
    host->want("shop");
    ASSERT_TRUE(run_until([&] { return !start_failures.empty(); }));
    EXPECT_EQ(start_failures[0].failure, ExitReason::kExecDenied);
    EXPECT_EQ(start_failures[0].failure_text, "there is no user no-such-user");
    host->configure({});
    ASSERT_TRUE(run_until([&] { return host->views().empty(); }));
  }
}

}  // namespace
}  // namespace gatehouse
