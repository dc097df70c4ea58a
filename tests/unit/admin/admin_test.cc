// The admin address may change while its clients are in the middle of something; its page is no burden to fetch.
#include "proxy/admin/admin.h"

#include <sys/socket.h>

#include <format>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/sockets.h"
#include "common/timer.h"
#include "proxy/admin/status_assets.h"
#include "proxy/admin/status_events.h"
#include "proxy/system/inherited_sockets.h"
#include "tests/support/disorder.h"

namespace gatehouse {
namespace {

using namespace testing_support;

TEST(AdminTest, ItsRootLeadsToTheStatus) {
  EventLoop loop;
  StatusEvents events;
  const std::vector<std::string> names = {"gatehouse.internal"};
  const Admin::Pages pages{.metrics = [] { return std::string(); },
                           .status_json = [] { return std::string("{}"); },
                           .status_table = [] { return std::string("all is well\n"); },
                           .not_ready = [] { return std::string(); },
                           .names = [&names] { return std::span(names); },
                           .events = &events};
  auto opened = Admin::open(loop, Address::parse("127.0.0.1:0").value(), pages, InheritedSockets());
  ASSERT_TRUE(opened.has_value());
  const auto ask = [&](std::string_view path, std::string_view host) {
    const Fd client = sockets::connect((*opened)->address()).value();
    const std::string request = std::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, host);
    std::string response;
    bool sent = false;
    for (ssize_t count = -1; count != 0; loop.turn(EventLoop::Wait::kNever)) {
      if (!sent) sent = ::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0;
      char piece[4096];
      count = ::recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
      if (count > 0) response.append(piece, static_cast<std::size_t>(count));
    }
    return response;
  };
  const std::string root = ask("/", "localhost");
  EXPECT_TRUE(root.starts_with("HTTP/1.1 307 ")) << root;
  EXPECT_TRUE(root.contains("Location: /status\r\n")) << root;
  EXPECT_TRUE(ask("/status", "gatehouse.internal:1").ends_with("all is well\n"));
  EXPECT_TRUE(ask("/", "other.internal").starts_with("HTTP/1.1 403 "));
}

// In which order their deadlines and the change are met is for chance to say.
TEST(AdminTest, ClosesWithClientsWhoseDeadlinesAreDueInTheSameTurn) {
  in_many_orders(50, [](Random& random) {
    ManualClock clock;
    EventLoop loop(clock);
    StatusEvents events;
    const Admin::Pages pages{.metrics = [] { return std::string(); },
                             .status_json = [] { return std::string("{}"); },
                             .status_table = [] { return std::string(); },
                             .not_ready = [] { return std::string(); },
                             .names = [] { return std::span<const std::string>(); },
                             .events = &events};
    auto opened = Admin::open(loop, Address::parse("127.0.0.1:0").value(), pages, InheritedSockets());
    ASSERT_TRUE(opened.has_value());
    std::unique_ptr<Admin> admin = *std::move(opened);
    std::vector<Fd> clients;
    for (const std::string_view sent : {"", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                        "GET /status/events HTTP/1.1\r\nHost: localhost\r\n\r\n", "nonsense\r\n\r\n"}) {
      clients.push_back(sockets::connect(admin->address()).value());
      ::send(clients.back().get(), sent.data(), sent.size(), MSG_NOSIGNAL);
    }
    for (std::size_t turns = 2 + up_to(random, 4); turns > 0; --turns) loop.turn(EventLoop::Wait::kNever);
    Timer change(loop, [&] { Admin::retire(loop, std::move(admin)); });
    change.arm(std::chrono::seconds(1));
    stall(loop, clock, random);
    EXPECT_EQ(admin, nullptr);
  });
}

TEST(StatusAssets, ThePageIsSmall) {
  std::size_t bytes = 0;
  for (const StatusAsset& asset : status_assets()) {
    EXPECT_FALSE(asset.bytes.empty()) << asset.name;
    bytes += asset.bytes.size();
  }
  EXPECT_LE(bytes, 64U << 10U);
}

}  // namespace
}  // namespace gatehouse
