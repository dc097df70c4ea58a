// How the end of a process is told to whoever wants to end by the same exit code.
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::AppHostTest;
using testing_support::listening_program;

class AppEndsTest : public AppHostTest {
 protected:
  void on_event(AppEvent event) override {
    if (const auto* ended = std::get_if<app_event::Ended>(&event)) shell_statuses.push_back(ended->shell_status);
    AppHostTest::on_event(std::move(event));
  }

  std::vector<std::optional<int>> shell_statuses;
};

TEST_F(AppEndsTest, AProcessThatEndsByItselfSaysWhatAShellWouldSay) {
  struct Row {
    std::vector<std::string> command;
    int status;
  };
  for (const Row& row :
       {Row{{"/bin/sh", "-c", "exit 3"}, 3}, Row{{"/bin/true"}, 0},
        Row{{"/bin/sh", "-c", "kill -KILL $$"}, 128 + SIGKILL}, Row{{"/bin/sh", "-c", "kill -TERM $$"}, 128 + SIGTERM},
        Row{{"/nonexistent/program"}, 127}, Row{{"/etc/passwd"}, 126}}) {
    shell_statuses.clear();
    make_host(folder.path().native());
    AppSpec app = spec(row.command);
    app.start = AppStart::kEager;
    host->configure({app});
    ASSERT_TRUE(run_until([&] { return !shell_statuses.empty(); }));
    EXPECT_EQ(shell_statuses[0], row.status) << row.command[0];
  }
}

TEST_F(AppEndsTest, AProcessThatWeEndSaysNothing) {
  AppSpec app = spec();
  app.start = AppStart::kEager;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return serves(); }));
  ASSERT_TRUE(host->command("shop", AppHost::Command::kStop).has_value());
  ASSERT_TRUE(run_until([&] { return shell_statuses.size() == 1; }));
  app.process.command = {"sleep", "60"};
  app.timing.start_timeout = 100ms;
  host->configure({app});
  ASSERT_TRUE(host->command("shop", AppHost::Command::kStart).has_value());
  ASSERT_TRUE(run_until([&] { return shell_statuses.size() == 2; }));
  EXPECT_EQ(ends, (std::vector<std::string>{"stopped", "start_timeout"}));
  EXPECT_EQ(shell_statuses, (std::vector<std::optional<int>>{std::nullopt, std::nullopt}));
}

TEST_F(AppEndsTest, AProcessThatCrashesBesideItsReadinessIsOneThatEndsByItself) {
  AppSpec app = spec(listening_program("", "os.kill(os.getpid(), signal.SIGABRT)"));
  app.start = AppStart::kEager;
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return !shell_statuses.empty(); }));
  EXPECT_EQ(shell_statuses[0], 128 + SIGABRT);
}

}  // namespace
}  // namespace gatehouse
