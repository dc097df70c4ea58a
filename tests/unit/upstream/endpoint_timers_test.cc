// Every timer of what faces endpoints and apps at once, in every order: requests end, checks and names go on, processes
// are gone.
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/apps/app_host.h"
#include "proxy/discovery/resolver.h"
#include "proxy/health/health_checker.h"
#include "proxy/health/outlier.h"
#include "tests/support/disorder.h"
#include "tests/support/dns_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;

constexpr int kRuns = 60;
constexpr auto kPoll = EventLoop::Wait::kNever;

const std::array<std::string, 5>& sayings() {
  static const std::array<std::string, 5> kSayings = {
      "", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", std::string(kOkResponse),
      "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"};
  return kSayings;
}

// What endpoints do with who has come to them. Connections that are kept stay open and silent.
void respond_some(ScriptedEndpoint& endpoint, std::deque<ScriptedConnection>& kept, Random& random) {
  while (auto connection = endpoint.accept()) {
    if (up_to(random, 2) > 0) connection->send_what_fits(one_of(random, sayings()));
    const std::size_t end = up_to(random, 4);
    if (end == 0) connection->close();
    if (end == 1) connection->reset();
    if (end > 1) kept.push_back(*std::move(connection));
  }
}

void begin_exchanges(UpstreamWorld& world, const std::shared_ptr<const RouteTable>& routes,
                     std::deque<TestExchange>& exchanges, Random& random) {
  for (std::size_t i = 1 + up_to(random, 5); i > 0; --i) {
    const bool upload = up_to(random, 2) == 0;
    auto& exchange = exchanges.emplace_back(
        world, routes,
        request_head(upload ? "POST" : "GET", "/", upload ? BodyLength::known(100) : BodyLength::none()));
    exchange.reading = up_to(random, 3) > 0;
    if (upload) exchange->request_body().write(Buffer("some"));
  }
}

// Connections being made (also to a full backlog), in use, kept; requests in line, and those that look once more in a
// moment because a process may have ended.
TEST(EndpointTimersTest, RequestsEndWhateverTheyWaitFor) {
  in_many_orders(kRuns, [](Random& random) {
    UpstreamWorld world;
    const TemporaryFolder folder;
    const std::string path = up_to(random, 1) == 0 ? "unix:" + (folder.path() / "app").string() : "127.0.0.1:0";
    ScriptedEndpoint endpoint(Address::parse(path).value(), 1);
    if (up_to(random, 5) == 0) endpoint.stop_listening();
    const auto when_none = up_to(random, 1) == 0 ? EndpointSet::WhenNone::kWait : EndpointSet::WhenNone::kRefuse;
    const auto upstream = upstream_with(
        set_with({{.endpoint = endpoint_at(endpoint.address(), up_to(random, 1) == 0 ? 4711 : 0)}}, when_none),
        {.max_requests = static_cast<std::uint32_t>(up_to(random, 3))});
    const auto routes = routes_to(upstream);
    std::deque<TestExchange> exchanges;
    std::deque<ScriptedConnection> kept;
    for (int round = 0; round < 3; ++round) {
      begin_exchanges(world, routes, exchanges, random);
      for (std::size_t turns = up_to(random, 6); turns > 0; --turns) world.loop.turn(kPoll);
      if (up_to(random, 1) == 0) respond_some(endpoint, kept, random);
      if (up_to(random, 3) == 0) exchanges.front().destroy();
      if (up_to(random, 3) == 0) exchanges.pop_front();
      stall(world.loop, world.clock, random);
    }
    for (int more = 0; more < 12; ++more) stall(world.loop, world.clock, random);
    EXPECT_EQ(upstream->waiting(), 0U);
    exchanges.clear();
    world.settle();
    EXPECT_EQ(world.observer.begun, world.observer.ended);
    for (const auto& [name, counters] : world.endpoint_counters) {
      EXPECT_EQ(counters.connections_active.value(), 0U);
      EXPECT_EQ(counters.connections_idle.value(), 0U);
    }
    for (const auto& one : endpoints_of(*upstream)) EXPECT_EQ(one->in_flight(), 0U);
  });
}

TEST(EndpointTimersTest, HealthChecksGoOn) {
  in_many_orders(kRuns, [](Random& random) {
    ManualClock clock;
    EventLoop loop{clock};
    std::deque<ScriptedEndpoint> servers(3);
    std::vector<EndpointSet::Member> members;
    for (const ScriptedEndpoint& server : servers) members.push_back({.endpoint = endpoint_at(server.address())});
    const auto membership = std::make_shared<Membership>("shop", set_with(members), Membership::Hooks{});
    int results = 0;
    int changes = 0;
    HealthChecker checker(loop, [&](const HealthCheckResult&) { ++results; });
    OutlierDetector detector(loop, [&](const Endpoint&, bool) { ++changes; });
    std::deque<ScriptedConnection> kept;
    for (int round = 0; round < 6; ++round) {
      const bool checked = up_to(random, 4) > 0;
      checker.configure(checked ? std::vector<HealthChecker::Target>{{membership, {.path = "/healthz"}}}
                                : std::vector<HealthChecker::Target>{});
      detector.keeps_failing(*membership, one_of(random, members).endpoint, {.consecutive_failures = 1});
      for (std::size_t turns = up_to(random, 5); turns > 0; --turns) loop.turn(kPoll);
      respond_some(one_of(random, servers), kept, random);
      if (up_to(random, 4) == 0) membership->replace(set_with({members[0], members[up_to(random, 2)]}));
      checker.look_again(*membership);
      stall(loop, clock, random);
    }
    checker.configure({{membership, {.path = "/healthz"}}});
    const int before = results;
    for (int more = 0; more < 8; ++more) stall(loop, clock, random);
    EXPECT_GT(results, before);
    for (const auto& member : members) EXPECT_FALSE(member.endpoint->has(Obstacle::kEjected));
  });
}

TEST(EndpointTimersTest, NamesStayResolved) {
  in_many_orders(kRuns / 2, [](Random& random) {
    ManualClock clock;
    EventLoop loop{clock};
    DnsServer server;
    Resolver resolver(loop, {.servers = server.address(), .timeout = std::chrono::seconds(1)});
    server.set_hosts("shop.test", {"127.0.0.1"}, 5);
    server.set("_shop._tcp.test", kTypeSrv,
               {.rows = {row_srv("_shop._tcp.test", {.port = 80, .host = "shop.test"}),
                         row_srv("_shop._tcp.test", {.port = 81, .host = "gone.test"})}});
    server.set("slow.test", kTypeA, {.rows = {}, .silent = true});
    std::vector<std::unique_ptr<Resolver::Watch>> watches;
    const std::array<DnsQuestion, 3> questions = {DnsQuestion{"shop.test", 80}, DnsQuestion{"_shop._tcp.test", 0},
                                                  DnsQuestion{"slow.test", 80}};
    for (int round = 0; round < 6; ++round) {
      watches.push_back(resolver.watch(one_of(random, questions), [](const Resolver::Resolution&) {}));
      for (std::size_t turns = up_to(random, 4); turns > 0; --turns) {
        if (up_to(random, 1) == 0) server.serve();
        loop.turn(kPoll);
      }
      if (up_to(random, 2) == 0) watches.erase(watches.begin());
      stall(loop, clock, random);
    }
    const auto last = resolver.watch(questions[0], [](const Resolver::Resolution&) {});
    for (int turns = 0; turns < 10'000 && last->resolution().addresses.empty(); ++turns) {
      server.serve();
      clock.advance(std::chrono::milliseconds(1));
      loop.turn(kPoll);
    }
    EXPECT_EQ(last->resolution().addresses.size(), 1U) << last->resolution().error;
  });
}

TEST(EndpointTimersTest, ProcessesOfAppsAreGone) {
  in_many_orders(8, [](Random& random) {
    ManualClock clock;
    EventLoop loop{clock};
    const TemporaryFolder folder;
    bool stopped = false;
    AppHost host(loop, {.event = [](const AppEvent&) {},
                        .probe = [](const AppProbe&, AppDependencies::ProbeDone) { return std::shared_ptr<void>(); },
                        .use = [](InstanceId) { return InstanceUse{}; },
                        .runtime_directory = folder.path().native()});
    AppSpec spec;
    spec.name = "shop";
    spec.start = AppStart::kEager;
    spec.instances = 2;
    const std::array<std::vector<std::string>, 3> commands = {
        std::vector<std::string>{"sleep", "600"}, {"sh", "-c", "trap '' TERM; echo here; sleep 600"}, {"false"}};
    for (int round = 0; round < 4; ++round) {
      spec.process.command = one_of(random, commands);
      host.configure({spec});
      for (std::size_t turns = up_to(random, 20); turns > 0; --turns) loop.turn(kPoll);
      if (up_to(random, 2) == 0) static_cast<void>(host.command("shop", AppHost::Command::kRecycle));
      stall(loop, clock, random);
    }
    host.shut_down([&] { stopped = true; });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!stopped && std::chrono::steady_clock::now() < deadline) stall(loop, clock, random);
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(host.views().empty());
  });
}

}  // namespace
}  // namespace gatehouse
