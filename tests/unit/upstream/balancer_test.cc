#include "proxy/upstream/balancer.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/upstream/hashing.h"
#include "tests/support/endpoint_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

// An upstream with endpoints at ports from 5000 on, and what a worker would know of it.
class Balancing {
 public:
  Balancing(UpstreamOptions options, const std::vector<std::uint32_t>& weights) {
    std::vector<EndpointSet::Member> members;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      members.push_back({.endpoint = endpoint_at("127.0.0.1:" + std::to_string(5000 + i)), .weight = weights[i]});
    }
    make(std::move(members), std::move(options));
  }
  Balancing(UpstreamOptions options, std::vector<EndpointSet::Member> members) {
    make(std::move(members), std::move(options));
  }

  const EndpointSet::Member* pick(PickRequest request) const {
    return Balancer::of(upstream->options().balance).pick(request);
  }
  PickRequest request() const { return {.table = table.get(), .upstream = upstream.get()}; }
  std::shared_ptr<Endpoint> pick(std::vector<const Endpoint*> tried = {}) const {
    PickRequest wanted = request();
    wanted.tried = tried;
    const EndpointSet::Member* member = pick(wanted);
    return member == nullptr ? nullptr : member->endpoint;
  }
  std::shared_ptr<Endpoint> pick_for(std::uint64_t key) const {
    PickRequest wanted = request();
    wanted.key = key;
    return pick(wanted)->endpoint;
  }
  const std::shared_ptr<Endpoint>& at(std::size_t index) const { return table->members()[index].endpoint; }
  std::map<std::string, int> picked(int times) const {
    std::map<std::string, int> counts;
    for (int i = 0; i < times; ++i) ++counts[pick()->name()];
    return counts;
  }

  std::shared_ptr<Upstream> upstream;
  std::unique_ptr<BalanceTable> table;

 private:
  void make(std::vector<EndpointSet::Member> members, const UpstreamOptions& options) {
    upstream = upstream_with(set_with(std::move(members)), options);
    table = std::make_unique<BalanceTable>(upstream->membership().set(), "shop", options);
  }
};

std::vector<std::uint32_t> ones(std::size_t count) {
  return std::vector<std::uint32_t>(count, 1);
}

class BalancerTest : public ::testing::TestWithParam<Balance> {
 protected:
  static Balancing make(std::size_t count, std::uint32_t max_requests = 0) {
    return {{.balance = GetParam(), .max_requests = max_requests}, ones(count)};
  }
};

TEST_P(BalancerTest, UsesEveryEndpointEvenly) {
  const auto picked = make(5).picked(5000);
  EXPECT_EQ(picked.size(), 5U);
  for (const auto& [name, count] : picked) EXPECT_NEAR(count, 1000, 200) << name;
}

TEST_P(BalancerTest, GivesEachWhatItsWeightSays) {
  const Balancing balancing({.balance = GetParam()}, {1, 2, 5});
  const auto picked = balancing.picked(8000);
  EXPECT_NEAR(picked.at("127.0.0.1:5000"), 1000, 200);
  EXPECT_NEAR(picked.at("127.0.0.1:5001"), 2000, 300);
  EXPECT_NEAR(picked.at("127.0.0.1:5002"), 5000, 400);
}

TEST_P(BalancerTest, WhatOneCannotTakeIsSharedByTheOthersEvenly) {
  const Balancing balancing = make(3);
  balancing.at(1)->set(Obstacle::kEjected);
  const auto picked = balancing.picked(4000);
  EXPECT_EQ(picked.size(), 2U);
  EXPECT_NEAR(picked.at("127.0.0.1:5000"), 2000, 250);
}

TEST_P(BalancerTest, NeverPicksWhatIsUnavailableTriedOrFull) {
  const Balancing balancing = make(4, 1);
  balancing.at(0)->set(Obstacle::kUnhealthy);
  const std::optional<Permit> taken = Permit::take(balancing.at(1), 1);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(balancing.pick({balancing.at(2).get()}), balancing.at(3));
}

TEST_P(BalancerTest, HasNothingWhereNothingIsLeft) {
  const Balancing balancing = make(2, 1);
  EXPECT_EQ(balancing.pick({balancing.at(0).get(), balancing.at(1).get()}), nullptr);
  const std::optional<Permit> one = Permit::take(balancing.at(0), 1);
  const std::optional<Permit> two = Permit::take(balancing.at(1), 1);
  EXPECT_EQ(balancing.pick(), nullptr);
  EXPECT_EQ(make(0).pick(), nullptr);
}

TEST_P(BalancerTest, FindsTheOnlyOneOfMany) {
  const Balancing balancing = make(200);
  for (std::size_t i = 0; i < 200; ++i) {
    if (i != 137) balancing.at(i)->set(Obstacle::kNotServing);
  }
  EXPECT_EQ(balancing.pick(), balancing.at(137));
}

TEST_P(BalancerTest, InAPanicTakesTheDoubtedButNeverThoseThatDoNotServe) {
  const Balancing balancing = make(3);
  balancing.at(0)->set(Obstacle::kUnhealthy);
  balancing.at(1)->set(Obstacle::kNotServing);
  balancing.at(2)->set(Obstacle::kEjected);
  EXPECT_EQ(balancing.pick(), nullptr);
  PickRequest panic = balancing.request();
  panic.panic = true;
  std::map<const Endpoint*, int> seen;
  for (int i = 0; i < 200; ++i) ++seen[balancing.pick(panic)->endpoint.get()];
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_FALSE(seen.contains(balancing.at(1).get()));
}

TEST_P(BalancerTest, AnEndpointThatIsBackStartsSlowly) {
  const Balancing balancing({.balance = GetParam(), .slow_start = 10s}, ones(2));
  balancing.at(0)->set(Obstacle::kUnhealthy);
  balancing.at(0)->clear(Obstacle::kUnhealthy);
  PickRequest request = balancing.request();
  const auto share_after = [&](Duration passed) {
    request.now = balancing.at(0)->available_since() + passed;
    int count = 0;
    for (int i = 0; i < 4000; ++i) count += balancing.pick(request)->endpoint == balancing.at(0) ? 1 : 0;
    return count;
  };
  EXPECT_LT(share_after(0s), 800);
  const int half_way = share_after(5s);
  EXPECT_GT(half_way, 900);
  EXPECT_LT(half_way, 1800);
  EXPECT_NEAR(share_after(10s), 2000, 250);
}

INSTANTIATE_TEST_SUITE_P(Kind, BalancerTest,
                         ::testing::Values(Balance::kRoundRobin, Balance::kLeastRequests, Balance::kRandom,
                                           Balance::kHash),
                         [](const auto& kind) {
                           switch (kind.param) {
                             case Balance::kRoundRobin:
                               return "RoundRobin";
                             case Balance::kLeastRequests:
                               return "LeastRequests";
                             case Balance::kRandom:
                               return "Random";
                             default:
                               return "HashWithoutKey";
                           }
                         });

TEST(RoundRobinTest, TakesThemInTurn) {
  const Balancing balancing({.balance = Balance::kRoundRobin}, ones(3));
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(balancing.pick(), balancing.at(i % 3));
}

TEST(RoundRobinTest, SpreadsTheTurnsOfHeavyOnes) {
  const Balancing balancing({.balance = Balance::kRoundRobin}, {200, 100, 400});
  std::string turns;
  for (int i = 0; i < 14; ++i) turns += balancing.pick()->name().back();
  EXPECT_EQ(std::ranges::count(turns, '2'), 8);
  EXPECT_EQ(std::ranges::count(turns, '0'), 4);
  EXPECT_EQ(turns.substr(0, 7), turns.substr(7));
  EXPECT_FALSE(turns.contains("222"));
}

TEST(LeastRequestsTest, OfTwoAlwaysTakesTheLessBusy) {
  const Balancing balancing({}, ones(2));
  const std::optional<Permit> busy = Permit::take(balancing.at(0), 0);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancing.pick(), balancing.at(1));
}

TEST(LeastRequestsTest, BusyIsForItsWeight) {
  const Balancing balancing({}, {1, 4});
  std::vector<std::optional<Permit>> taken;
  taken.push_back(Permit::take(balancing.at(0), 0));
  for (int i = 0; i < 3; ++i) taken.push_back(Permit::take(balancing.at(1), 0));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancing.pick(), balancing.at(1));
}

TEST(HashTest, AKeyStaysAndKeysAreSpread) {
  const Balancing balancing({.balance = Balance::kHash}, ones(4));
  std::map<std::string, int> counts;
  for (std::uint64_t key = 0; key < 8000; ++key) {
    const auto endpoint = balancing.pick_for(hashing::mixed(key));
    EXPECT_EQ(endpoint, balancing.pick_for(hashing::mixed(key)));
    ++counts[endpoint->name()];
  }
  EXPECT_EQ(counts.size(), 4U);
  for (const auto& [name, count] : counts) EXPECT_NEAR(count, 2000, 700) << name;
}

TEST(HashTest, OneThatComesTakesItsShareAndMovesNothingElse) {
  const Balancing before({.balance = Balance::kHash}, ones(9));
  const Balancing after({.balance = Balance::kHash}, ones(10));
  int moved = 0;
  for (std::uint64_t key = 0; key < 10000; ++key) {
    const std::string was = before.pick_for(hashing::mixed(key))->name();
    const std::string is = after.pick_for(hashing::mixed(key))->name();
    if (was == is) continue;
    ++moved;
    EXPECT_EQ(is, "127.0.0.1:5009");
  }
  EXPECT_GT(moved, 500);
  EXPECT_LT(moved, 1500);
}

TEST(HashTest, OneThatIsOutMovesItsOwnKeysOnly) {
  const Balancing balancing({.balance = Balance::kHash}, ones(5));
  std::map<std::uint64_t, std::shared_ptr<Endpoint>> before;
  for (std::uint64_t key = 0; key < 2000; ++key) before[key] = balancing.pick_for(hashing::mixed(key));
  balancing.at(2)->set(Obstacle::kUnhealthy);
  for (const auto& [key, endpoint] : before) {
    const auto now = balancing.pick_for(hashing::mixed(key));
    if (endpoint == balancing.at(2)) {
      EXPECT_NE(now, endpoint);
    } else {
      EXPECT_EQ(now, endpoint);
    }
  }
}

TEST(HashTest, AReplacedProcessKeepsTheKeysOfItsInstance) {
  const auto members = [](const std::string& second) {
    return std::vector<EndpointSet::Member>{
        {.endpoint = endpoint_at("127.0.0.1:1"), .affinity = "web#0"},
        {.endpoint = endpoint_at(second), .affinity = "web#1"},
    };
  };
  const Balancing before({.balance = Balance::kHash}, members("127.0.0.1:2"));
  const Balancing after({.balance = Balance::kHash}, members("127.0.0.1:3"));
  for (std::uint64_t key = 0; key < 500; ++key) {
    const bool first = before.pick_for(hashing::mixed(key)) == before.at(0);
    EXPECT_EQ(after.pick_for(hashing::mixed(key)) == after.at(0), first);
  }
}

TEST(HashTest, NobodyGetsMoreThanAQuarterAboveItsShare) {
  const Balancing balancing({.balance = Balance::kHash}, ones(4));
  std::vector<std::optional<Permit>> permits;
  for (int i = 0; i < 400; ++i) permits.push_back(Permit::take(balancing.pick_for(42), 0));
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LE(balancing.at(i)->in_flight(), 125U);
    sum += balancing.at(i)->in_flight();
  }
  EXPECT_EQ(sum, 400U);
}

TEST(PermitTest, GivesItselfBackExactlyOnce) {
  const auto endpoint = endpoint_at("127.0.0.1:1");
  {
    std::optional<Permit> permit = Permit::take(endpoint, 2);
    ASSERT_TRUE(permit.has_value());
    Permit moved = *std::move(permit);
    std::optional<Permit> other = Permit::take(endpoint, 2);
    EXPECT_FALSE(Permit::take(endpoint, 2).has_value());
    EXPECT_EQ(endpoint->in_flight(), 2U);
    moved = *std::move(other);
    EXPECT_EQ(endpoint->in_flight(), 1U);
  }
  EXPECT_EQ(endpoint->in_flight(), 0U);
  EXPECT_EQ(endpoint->requests(), 2U);
}

TEST(PermitTest, OnceItDoesNotServeAndIsEmptyNobodyComesAnyMore) {
  for (int round = 0; round < 50; ++round) {
    const auto endpoint = endpoint_at("127.0.0.1:1");
    std::atomic<bool> empty{false};
    std::atomic<int> inside_after{0};
    std::jthread taker([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const std::optional<Permit> permit = Permit::take(endpoint, 0);
        if (permit && empty.load()) ++inside_after;
      }
    });
    while (endpoint->requests() < 10) std::this_thread::yield();
    endpoint->set(Obstacle::kNotServing);
    while (endpoint->in_flight() != 0) std::this_thread::yield();
    empty.store(true);
    const std::uint64_t requests = endpoint->requests();
    taker.request_stop();
    taker.join();
    EXPECT_EQ(inside_after, 0);
    EXPECT_EQ(endpoint->requests(), requests);
  }
}

TEST(EndpointTest, IsAvailableWhileNothingIsInTheWay) {
  const auto endpoint = endpoint_at("127.0.0.1:1");
  EXPECT_EQ(endpoint->available_since(), MonotonicTime{});
  endpoint->set(Obstacle::kUnhealthy);
  endpoint->set(Obstacle::kEjected);
  endpoint->clear(Obstacle::kUnhealthy);
  EXPECT_FALSE(endpoint->available());
  EXPECT_EQ(endpoint->available_since(), MonotonicTime{});
  endpoint->clear(Obstacle::kEjected);
  EXPECT_TRUE(endpoint->available());
  EXPECT_NE(endpoint->available_since(), MonotonicTime{});
}

TEST(EndpointTest, CountsFailuresInARow) {
  const auto endpoint = endpoint_at("127.0.0.1:1");
  EXPECT_EQ(endpoint->failed(), 1U);
  EXPECT_EQ(endpoint->failed(), 2U);
  endpoint->succeeded();
  EXPECT_EQ(endpoint->failures_in_row(), 0U);
  EXPECT_EQ(endpoint->failed(), 1U);
}

TEST(EndpointTest, IsCalledAsItsAddressUnlessItHasAName) {
  const Address address = Address::parse("unix:/run/shop.sock").value();
  const Endpoint plain({.upstream = "shop", .address = address});
  EXPECT_EQ(plain.name(), "unix:/run/shop.sock");
  EXPECT_EQ(plain.authority(), "localhost");
  const Endpoint named({.upstream = "shop", .address = address, .name = "web#0", .authority = "shop.internal"});
  EXPECT_EQ(named.name(), "web#0");
  EXPECT_EQ(named.authority(), "shop.internal");
}

}  // namespace
}  // namespace gatehouse
