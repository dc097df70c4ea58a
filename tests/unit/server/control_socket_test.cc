// The control socket obeys its owner only, and lets nobody keep it busy.
#include "proxy/server/control_socket.h"

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/event_loop.h"
#include "common/fd.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::TemporaryFolder;

class ControlSocketTest : public ::testing::Test {
 protected:
  std::unique_ptr<ControlSocket> open() {
    auto opened = ControlSocket::open(loop, path, [this](std::string_view command, ControlSocket::Reply to) {
      commands.emplace_back(command);
      late ? replies.push_back(std::move(to)) : to(reply);
    });
    EXPECT_TRUE(opened.has_value());
    return opened ? *std::move(opened) : nullptr;
  }
  // Sends `text` from a client of our own and turns the loop until the answer is complete.
  std::string ask(const std::string& text) {
    const Fd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = *Address::parse("unix:" + path.string());
    EXPECT_EQ(connect(client.get(), address.data(), address.length()), 0);
    std::string response;
    std::size_t sent = 0;
    for (int turns = 0; turns < 1000; ++turns) {
      if (sent < text.size()) sent += static_cast<std::size_t>(send(client.get(), text.data() + sent, 1, MSG_NOSIGNAL));
      loop.turn(EventLoop::Wait::kNever);
      char piece[256];
      const ssize_t count = recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
      if (count == 0) return response + "<end>";
      if (count > 0) response.append(piece, static_cast<std::size_t>(count));
    }
    return response;
  }

  // A client that has said `text`, and that the loop has seen.
  Fd client_of(const std::string& text) {
    Fd client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = *Address::parse("unix:" + path.string());
    EXPECT_EQ(connect(client.get(), address.data(), address.length()), 0);
    if (!text.empty()) {
      EXPECT_EQ(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    for (int turns = 0; turns < 5; ++turns) loop.turn(EventLoop::Wait::kNever);
    return client;
  }
  void pass(Duration time) {
    clock.advance(time);
    for (int turns = 0; turns < 5; ++turns) loop.turn(EventLoop::Wait::kNever);
  }
  static bool dropped(const Fd& client) {
    char piece[65536];
    ssize_t count = 0;
    do count = recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
    while (count > 0);
    return count == 0 || errno == ECONNRESET;
  }

  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "control.sock";
  ManualClock clock;
  EventLoop loop{clock};
  ControlReply reply{.ok = true, .text = "done\n"};
  std::vector<std::string> commands;
  // Replies are kept here, for later.
  bool late = false;
  std::vector<ControlSocket::Reply> replies;
};

TEST_F(ControlSocketTest, OneCommandOneAnswer) {
  const auto control = open();
  EXPECT_EQ(ask("reload\n"), "done\nok\n<end>");
  reply.ok = false;
  EXPECT_EQ(ask("  what \n"), "done\nfailed\n<end>");
  EXPECT_EQ(commands, (std::vector<std::string>{"reload", "what"}));
}

TEST_F(ControlSocketTest, AReplyMayKeepTheConnectionUntilTheEnd) {
  auto control = open();
  reply.until_the_end = true;
  EXPECT_EQ(ask("stop\n"), "done\nok\n");
}

TEST_F(ControlSocketTest, EndlessCommandsAreCutOff) {
  const auto control = open();
  EXPECT_TRUE(dropped(client_of(std::string(5000, 'x'))));
  EXPECT_TRUE(commands.empty());
}

TEST_F(ControlSocketTest, WhoSaysNothingIsDroppedAfterAWhile) {
  const auto control = open();
  const Fd silent = client_of("");
  const Fd slow = client_of("relo");
  pass(4s);
  EXPECT_FALSE(dropped(silent));
  pass(2s);
  EXPECT_TRUE(dropped(silent));
  EXPECT_TRUE(dropped(slow));
  EXPECT_TRUE(commands.empty());
}

TEST_F(ControlSocketTest, WhoDoesNotReadTheReplyIsDroppedAfterAWhile) {
  const auto control = open();
  reply.text = std::string(4'000'000, 'x') + '\n';
  const Fd deaf = client_of("reload\n");
  pass(6s);
  char piece[65536];
  std::size_t got = 0;
  ssize_t count = 1;
  for (; count > 0; got += static_cast<std::size_t>(std::max<ssize_t>(count, 0))) {
    count = recv(deaf.get(), piece, sizeof piece, MSG_DONTWAIT);
  }
  EXPECT_EQ(count, 0) << "it is still connected";
  EXPECT_LT(got, reply.text.size());
}

TEST_F(ControlSocketTest, WhoWaitsForTheEndMayWaitForLong) {
  auto control = open();
  reply.until_the_end = true;
  const Fd waiting = client_of("stop\n");
  pass(1h);
  EXPECT_FALSE(dropped(waiting));
  control.reset();
  loop.turn(EventLoop::Wait::kNever);
  EXPECT_TRUE(dropped(waiting));
}

TEST_F(ControlSocketTest, AReplyMayTakeItsTime) {
  auto control = open();
  late = true;
  const Fd waiting = client_of("reload\n");
  const Fd gone = client_of("reload\n");
  std::vector<Fd> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(client_of(""));
  pass(1h);
  ASSERT_EQ(replies.size(), 2U);
  replies[0](reply);
  char text[64];
  EXPECT_EQ(recv(waiting.get(), text, sizeof text, MSG_DONTWAIT), 8) << "it was dropped meanwhile";
  control.reset();
  loop.turn(EventLoop::Wait::kNever);
  replies[1](reply);
  EXPECT_TRUE(dropped(gone));
}

TEST_F(ControlSocketTest, SilentClientsDoNotKeepACommandOut) {
  const auto control = open();
  reply.until_the_end = true;
  const Fd waiting = client_of("stop\n");
  reply.until_the_end = false;
  std::vector<Fd> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(client_of(""));
  EXPECT_EQ(ask("reload\n"), "done\nok\n<end>");
  EXPECT_FALSE(dropped(waiting));
  EXPECT_TRUE(dropped(silent.front()));
  EXPECT_FALSE(dropped(silent.back()));
}

TEST_F(ControlSocketTest, TheFileIsClosedToOthersFromItsFirstMoment) {
  const Fd changes(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(inotify_add_watch(changes.get(), folder.path().c_str(), IN_CREATE | IN_ATTRIB), 0);
  const mode_t before = umask(0);
  const auto control = open();
  umask(before);
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  alignas(inotify_event) char events[4096];
  const ssize_t size = read(changes.get(), events, sizeof events);
  ASSERT_GT(size, 0);
  const auto* event = reinterpret_cast<const inotify_event*>(events);
  EXPECT_EQ(event->mask, static_cast<std::uint32_t>(IN_CREATE));
  EXPECT_EQ(static_cast<std::size_t>(size), sizeof *event + event->len) << "made as it is, and not changed afterwards";
}

TEST_F(ControlSocketTest, OnlyItsOwnerMayOpenItAndItGoesWithItsServer) {
  auto control = open();
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_FALSE(ControlSocket::open(loop, path, [](std::string_view, const ControlSocket::Reply&) {}))
      << "a second server must not take it";
  const std::filesystem::path alias = folder.path() / "alias.sock";
  control->also_at(alias);
  EXPECT_TRUE(std::filesystem::exists(alias));
  control.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::is_symlink(alias));
}

}  // namespace
}  // namespace gatehouse
