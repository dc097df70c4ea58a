// What happens when the process may not open as many connections to endpoints as its requests want: idle ones go first,
// then requests wait, every upstream keeps a part, and no endpoint is blamed.
#include "proxy/upstream/descriptor_budget.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/health/health_checker.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

using Permits = std::vector<DescriptorBudget::Permit>;

std::size_t take_all(const std::shared_ptr<DescriptorBudget>& budget, const DescriptorBudget::SharePtr& share,
                     Permits& permits) {
  std::size_t count = 0;
  for (; budget->has_room(*share) && count < 1000; ++count) permits.push_back(DescriptorBudget::take(budget, share));
  return count;
}

TEST(DescriptorBudgetTest, ASingleUpstreamMayHaveAllOfIt) {
  const auto budget = std::make_shared<DescriptorBudget>(100);
  const auto shop = budget->share("shop");
  EXPECT_EQ(budget->share("shop"), shop);
  Permits permits;
  EXPECT_EQ(take_all(budget, shop, permits), 100U);
  permits.clear();
  EXPECT_EQ(budget->open(), 0U);
  EXPECT_EQ(take_all(budget, shop, permits), 100U);
}

TEST(DescriptorBudgetTest, OfSeveralUpstreamsEachGetsItsPartHoweverMuchOthersHold) {
  const auto budget = std::make_shared<DescriptorBudget>(100);
  const auto greedy = budget->share("greedy");
  std::vector<DescriptorBudget::SharePtr> modest;
  for (const char* name : {"a", "b", "c", "d"}) modest.push_back(budget->share(name));
  Permits permits;
  EXPECT_EQ(take_all(budget, greedy, permits), 75U);
  for (const auto& share : modest) EXPECT_EQ(take_all(budget, share, permits), 5U);
  EXPECT_LE(budget->open(), 100U);
  modest.clear();
  permits.clear();
  EXPECT_EQ(budget->share("greedy"), greedy);  // now it is alone
  EXPECT_EQ(take_all(budget, greedy, permits), 100U);
}

TEST(DescriptorBudgetTest, WithoutALimitThereIsAlwaysRoom) {
  const auto budget = std::make_shared<DescriptorBudget>();
  Permits permits;
  EXPECT_EQ(take_all(budget, budget->share("shop"), permits), 1000U);
}

class ShortageTest : public ::testing::Test {
 protected:
  struct Shop {
    explicit Shop(const std::string& name, const UpstreamOptions& options = {})
        : upstream(std::make_shared<Upstream>(
              name,
              std::make_shared<Membership>(name,
                                           set_with({{.endpoint = std::make_shared<Endpoint>(Endpoint::Identity{
                                                          .upstream = name, .address = endpoint.address()})}}),
                                           Membership::Hooks{}),
              options)),
          routes(routes_to(upstream)) {}
    ScriptedEndpoint endpoint;
    std::shared_ptr<Upstream> upstream;
    std::shared_ptr<const RouteTable> routes;
  };

  static void respond(UpstreamWorld& world, TestExchange& e, ScriptedConnection& connection) {
    world.request_of(connection);
    connection.forget();
    connection.send(kOkResponse);
    world.turn_until([&] { return e.over(); });
    EXPECT_EQ(e.body, "hello");
  }
  // An exchange from its beginning to its end on a connection that is opened for it.
  static ScriptedConnection serve(UpstreamWorld& world, Shop& shop) {
    TestExchange e{world, shop.routes, request_head("GET")};
    ScriptedConnection connection = world.accept(shop.endpoint);
    respond(world, e, connection);
    world.settle();
    return connection;
  }
  std::uint64_t idle(UpstreamWorld& at, const Shop& shop) {
    return at.endpoint_counters[shop.endpoint.address().to_string()].connections_idle.value();
  }

  std::shared_ptr<DescriptorBudget> budget = std::make_shared<DescriptorBudget>(2);
  UpstreamWorld world{budget};
};

TEST_F(ShortageTest, RequestsWaitInTurnForAConnectionThatIsFreeAgain) {
  Shop shop("shop");
  TestExchange a{world, shop.routes, request_head("GET")};
  TestExchange b{world, shop.routes, request_head("GET")};
  TestExchange c{world, shop.routes, request_head("GET")};
  TestExchange d{world, shop.routes, request_head("POST")};
  ScriptedConnection one = world.accept(shop.endpoint);
  ScriptedConnection two = world.accept(shop.endpoint);
  world.settle();
  EXPECT_FALSE(shop.endpoint.accept().has_value());
  EXPECT_EQ(world.upstream_counters["shop"].waiting.value(), 2U);
  EXPECT_EQ(world.upstream_counters["shop"].short_of_room.value(), 1U) << "the next one waits because somebody does";
  world.clock.advance(1s);
  respond(world, b, two);
  world.request_of(two);
  EXPECT_TRUE(two.received().starts_with("GET"));
  respond(world, c, two);
  respond(world, d, two);
  respond(world, a, one);
  EXPECT_EQ(c->record().queued, Duration(1s));
  EXPECT_EQ(budget->open(), 2U);
  EXPECT_EQ(budget->wanting(), 0U);
  EXPECT_EQ(endpoints_of(*shop.upstream)[0]->in_flight(), 0U);
}

TEST_F(ShortageTest, ALimitOfPlacesAndOneOfDescriptorsHoldTogether) {
  budget->set_limit(1);
  Shop shop("shop", {.max_requests = 2});
  Shop other("other");
  TestExchange a{world, other.routes, request_head("GET")};
  ScriptedConnection elsewhere = world.accept(other.endpoint);
  TestExchange b{world, shop.routes, request_head("GET")};
  TestExchange c{world, shop.routes, request_head("GET")};
  world.settle();
  EXPECT_EQ(world.upstream_counters["shop"].waiting.value(), 2U);
  EXPECT_EQ(endpoints_of(*shop.upstream)[0]->in_flight(), 0U);
  elsewhere.close();
  ScriptedConnection connection = world.accept(shop.endpoint);
  respond(world, b, connection);
  respond(world, c, connection);
  EXPECT_EQ(budget->wanting(), 0U);
  EXPECT_EQ(world.upstream_counters["shop"].waiting.value(), 0U);
}

TEST_F(ShortageTest, TheConnectionThatIsIdleForLongestGivesWay) {
  Shop one("one");
  Shop two("two");
  Shop three("three");
  ScriptedConnection oldest = serve(world, one);
  world.advance(1s);
  ScriptedConnection newer = serve(world, two);
  EXPECT_EQ(budget->open(), 2U);
  world.advance(1s);
  const ScriptedConnection fresh = serve(world, three);
  EXPECT_TRUE(oldest.ended());
  EXPECT_FALSE(newer.ended());
  EXPECT_EQ(budget->open(), 2U);
  EXPECT_EQ(world.endpoint_counters[one.endpoint.address().to_string()].closed_for_room.value(), 1U);
  EXPECT_EQ(world.upstream_counters["three"].short_of_room.value(), 0U);
}

TEST_F(ShortageTest, AnUpstreamThatTakesAllItCanLeavesOthersTheirPart) {
  budget->set_limit(8);
  Shop greedy("greedy");
  Shop modest("modest");
  const std::vector<std::shared_ptr<const Upstream>> both = {greedy.upstream, modest.upstream};
  world.pools.adopt(both);
  std::vector<std::unique_ptr<TestExchange>> many;
  std::vector<ScriptedConnection> held;
  for (int i = 0; i < 20; ++i) {
    many.push_back(std::make_unique<TestExchange>(world, greedy.routes, request_head("GET")));
    world.settle();
    if (auto connection = greedy.endpoint.accept()) held.push_back(*std::move(connection));
  }
  EXPECT_EQ(held.size(), 6U);
  const ScriptedConnection connection = serve(world, modest);
  for (auto& each : many) each->destroy();
}

TEST_F(ShortageTest, AnotherWorkerClosesWhatIsIdleThere) {
  UpstreamWorld other{budget};
  Shop shop("shop");
  ScriptedConnection one = serve(other, shop);
  other.settle();
  TestExchange running{other, shop.routes, request_head("GET")};
  other.request_of(one);
  TestExchange second{other, shop.routes, request_head("GET")};
  ScriptedConnection two = other.accept(shop.endpoint);
  respond(other, second, two);
  other.settle();
  EXPECT_EQ(idle(other, shop), 1U);

  TestExchange waiting{world, shop.routes, request_head("GET")};
  world.settle();
  EXPECT_EQ(world.upstream_counters["shop"].waiting.value(), 1U);
  other.settle();
  EXPECT_EQ(idle(other, shop), 0U);
  EXPECT_TRUE(two.ended());
  ScriptedConnection here = world.accept(shop.endpoint);
  respond(world, waiting, here);
  respond(other, running, one);
  EXPECT_EQ(idle(other, shop), 1U) << "nobody wants it any more";
}

TEST_F(ShortageTest, AWorkerWhoseOwnRequestsWaitGivesOthersAConnectionAllTheSame) {
  budget->set_limit(1);
  UpstreamWorld other{budget};
  Shop shop("shop");
  TestExchange a{world, shop.routes, request_head("GET")};
  TestExchange b{world, shop.routes, request_head("GET")};
  TestExchange c{other, shop.routes, request_head("GET")};
  ScriptedConnection one = world.accept(shop.endpoint);
  world.settle();
  other.settle();
  world.settle();
  respond(world, a, one);
  ScriptedConnection two = other.accept(shop.endpoint);
  EXPECT_TRUE(one.ended());
  respond(other, c, two);
  other.settle();
  ScriptedConnection three = world.accept(shop.endpoint);
  EXPECT_TRUE(two.ended());
  respond(world, b, three);
  EXPECT_EQ(budget->wanting(), 0U);
}

TEST_F(ShortageTest, WaitingTooLongOrInTooLongALineIsNoFaultOfTheEndpoint) {
  budget->set_limit(1);
  Shop shop("shop", {.queue = 1, .queue_timeout = 10s});
  Shop other("other");
  TestExchange holds{world, other.routes, request_head("GET")};
  const ScriptedConnection connection = world.accept(other.endpoint);
  TestExchange waits{world, shop.routes, request_head("GET")};
  world.settle();
  TestExchange finds_no_permit{world, shop.routes, request_head("GET")};
  world.settle();
  EXPECT_EQ(waits.status(), 0);
  EXPECT_EQ(finds_no_permit.status(), 503);
  world.advance(11s);
  EXPECT_EQ(waits.status(), 503);
  EXPECT_EQ(waits->record().fault, Fault::kOutOfResources);
  EXPECT_EQ(waits->response()->fields.find(FieldName::kRetryAfter), "1");
  EXPECT_EQ(rule(Fault::kOutOfResources).blame, Blame::kProxy);
  EXPECT_EQ(endpoints_of(*shop.upstream)[0]->failures_in_row(), 0U);
  EXPECT_EQ(budget->wanting(), 0U);
}

TEST_F(ShortageTest, ASystemThatRefusesADescriptorIsNoFaultOfTheEndpointAndNotTriedElsewhere) {
  if (!kDescriptorsMayRunOut) GTEST_SKIP() << "a sanitizer needs some itself";
  ScriptedEndpoint one;
  ScriptedEndpoint two;
  const auto upstream = upstream_of({one.address(), two.address()});
  TestExchange e{world, routes_to(upstream), request_head("GET")};
  {
    const NoDescriptors none;
    world.turn_until([&] { return e.over(); });
  }
  EXPECT_EQ(e.status(), 503);
  EXPECT_EQ(e->record().fault, Fault::kOutOfResources);
  EXPECT_EQ(e->record().attempts, 1U);
  const std::string_view said = e->response()->fields.find(FieldName::kProxyStatus).value_or("");
  EXPECT_TRUE(said.contains("connection_limit_reached")) << said;
  EXPECT_TRUE(said.contains("EMFILE")) << said;
  EXPECT_EQ(e->response()->fields.find(FieldName::kRetryAfter), "1");
  for (const auto& endpoint : endpoints_of(*upstream)) EXPECT_EQ(endpoint->failures_in_row(), 0U);
  EXPECT_EQ(world.endpoint_counters[one.address().to_string()].connects_failed.value(), 0U);
  EXPECT_EQ(world.endpoint_counters[one.address().to_string()].connects_out_of_resources.value() +
                world.endpoint_counters[two.address().to_string()].connects_out_of_resources.value(),
            1U);
}

TEST_F(ShortageTest, AHealthCheckThatFoundNoDescriptorSaysNothingOfTheEndpoint) {
  if (!kDescriptorsMayRunOut) GTEST_SKIP() << "a sanitizer needs some itself";
  Shop shop("shop");
  std::vector<HealthCheckResult> results;
  {
    HealthChecker checker(world.loop, [&](const HealthCheckResult& result) { results.push_back(result); });
    const NoDescriptors none;
    checker.configure({{.membership = std::shared_ptr<Membership>(shop.upstream, &shop.upstream->membership()),
                        .options = {.path = "/healthz", .unhealthy_after = 1}}});
    world.turn_until([&] { return !results.empty(); });
  }
  EXPECT_FALSE(results[0].judged);
  EXPECT_FALSE(results[0].changed);
  EXPECT_FALSE(endpoints_of(*shop.upstream)[0]->has(Obstacle::kUnhealthy));
  world.settle();
}

}  // namespace
}  // namespace gatehouse
