// The admin address may change while its clients are in the middle of something.
#include "proxy/admin/admin.h"

#include <sys/socket.h>

#include <memory>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/sockets.h"
#include "common/timer.h"
#include "proxy/admin/status_events.h"
#include "proxy/system/inherited_sockets.h"
#include "tests/support/disorder.h"

namespace gatehouse {
namespace {

using namespace testing_support;

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

}  // namespace
}  // namespace gatehouse
