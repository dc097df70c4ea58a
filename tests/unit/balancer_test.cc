#include "proxy/upstream/balancer.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

class BalancerTest : public ::testing::TestWithParam<Balance> {
 protected:
  Upstream make(int count, std::uint32_t max_requests = 0) {
    Upstream::Endpoints endpoints;
    for (int i = 0; i < count; ++i) {
      endpoints.push_back(
          std::make_shared<Endpoint>("shop", Address::parse("127.0.0.1:" + std::to_string(5000 + i)).value()));
    }
    return {"shop", std::move(endpoints), {.balance = GetParam(), .max_requests = max_requests}};
  }
  std::shared_ptr<Endpoint> pick(const Upstream& upstream, std::vector<const Endpoint*> tried = {}) {
    return Balancer::of(GetParam()).pick(upstream, tried);
  }
};

TEST_P(BalancerTest, UsesEveryEndpoint) {
  const Upstream upstream = make(5);
  std::map<std::string, int> picked;
  for (int i = 0; i < 1000; ++i) ++picked[pick(upstream)->name()];
  EXPECT_EQ(picked.size(), 5U);
  for (const auto& [name, count] : picked) EXPECT_NEAR(count, 200, 90) << name;
}

TEST_P(BalancerTest, NeverPicksWhatIsUnavailableTriedOrFull) {
  const Upstream upstream = make(4, 1);
  upstream.endpoints()[0]->set_available(false);
  const std::optional<Place> taken = Place::take(upstream.endpoints()[1], 1);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(pick(upstream, {upstream.endpoints()[2].get()}), upstream.endpoints()[3]);
}

TEST_P(BalancerTest, HasNothingWhereNothingIsLeft) {
  const Upstream upstream = make(2, 1);
  EXPECT_EQ(pick(upstream, {upstream.endpoints()[0].get(), upstream.endpoints()[1].get()}), nullptr);
  const std::optional<Place> one = Place::take(upstream.endpoints()[0], 1);
  const std::optional<Place> two = Place::take(upstream.endpoints()[1], 1);
  EXPECT_EQ(pick(upstream), nullptr);
  EXPECT_EQ(pick(make(0)), nullptr);
}

TEST_P(BalancerTest, FindsTheOnlyOneOfMany) {
  const Upstream upstream = make(200);
  for (std::size_t i = 0; i < 200; ++i) upstream.endpoints()[i]->set_available(i == 137);
  EXPECT_EQ(pick(upstream), upstream.endpoints()[137]);
}

INSTANTIATE_TEST_SUITE_P(Kind, BalancerTest, ::testing::Values(Balance::kRoundRobin, Balance::kLeastRequests),
                         [](const auto& kind) {
                           return kind.param == Balance::kRoundRobin ? "RoundRobin" : "LeastRequests";
                         });

TEST(RoundRobinTest, TakesThemInTurn) {
  Upstream::Endpoints endpoints;
  for (const char* address : {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}) {
    endpoints.push_back(std::make_shared<Endpoint>("shop", Address::parse(address).value()));
  }
  const Upstream upstream("shop", std::move(endpoints), {.balance = Balance::kRoundRobin});
  const Balancer& balancer = Balancer::of(Balance::kRoundRobin);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(balancer.pick(upstream, {}), upstream.endpoints()[i % 3]);
}

TEST(LeastRequestsTest, OfTwoAlwaysTakesTheLessBusy) {
  Upstream::Endpoints endpoints;
  for (const char* address : {"127.0.0.1:1", "127.0.0.1:2"}) {
    endpoints.push_back(std::make_shared<Endpoint>("shop", Address::parse(address).value()));
  }
  const Upstream upstream("shop", std::move(endpoints), {});
  const std::optional<Place> busy = Place::take(upstream.endpoints()[0], 0);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Balancer::of(Balance::kLeastRequests).pick(upstream, {}), upstream.endpoints()[1]);
  }
}

TEST(PlaceTest, GivesItselfBackExactlyOnce) {
  const auto endpoint = std::make_shared<Endpoint>("shop", Address::parse("127.0.0.1:1").value());
  {
    std::optional<Place> place = Place::take(endpoint, 2);
    ASSERT_TRUE(place.has_value());
    Place moved = *std::move(place);
    std::optional<Place> other = Place::take(endpoint, 2);
    EXPECT_FALSE(Place::take(endpoint, 2).has_value());
    EXPECT_EQ(endpoint->in_flight(), 2U);
    moved = *std::move(other);
    EXPECT_EQ(endpoint->in_flight(), 1U);
  }
  EXPECT_EQ(endpoint->in_flight(), 0U);
}

}  // namespace
}  // namespace gatehouse
