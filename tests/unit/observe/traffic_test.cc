// Rates and quantiles of the last seconds, from counters that only ever grow.
#include "proxy/observe/traffic.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "proxy/observe/worker_metrics.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

struct Sort {
  Duration took = 2ms;
  std::string_view route = "*/";
};

class TrafficTest : public ::testing::Test, private ExchangeObserver {
 protected:
  void exchanges(int count, Protocol protocol, std::uint16_t code, const Sort& sort = {}) {
    for (int i = 0; i < count; ++i) {
      ExchangeContext context{.loop = world.loop, .observer = *this, .make_responder = nullptr};
      Waker waker(world.loop, [] {});
      Exchange exchange(context, {.protocol = protocol, .listener = policy}, request_head("GET"), waker);
      exchange.record().route = sort.route;
      exchange.record().status = code;
      duration = sort.took;
    }
  }
  void second() {
    now += 1s;
    traffic.sample(workers, now);
  }

  MonotonicTime now{1h};
  Duration duration{};
  UpstreamWorld world;
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  std::shared_ptr<WorkerMetrics> one = std::make_shared<WorkerMetrics>();
  std::shared_ptr<WorkerMetrics> two = std::make_shared<WorkerMetrics>();
  std::shared_ptr<WorkerMetrics> counting = one;
  Traffic::Workers workers{one, two};
  Traffic traffic;

 private:
  void on_begin(const Exchange& exchange) override { counting->exchange_began(exchange); }
  void on_end(const Exchange& exchange) override { counting->exchange_ended(exchange, duration); }
};

TEST_F(TrafficTest, BeforeTheFirstSecondNothingIsKnown) {
  EXPECT_EQ(traffic.figures(std::nullopt).requests_per_second, 0);
  exchanges(5, Protocol::kH2, 200);
  traffic.sample(workers, now);
  const Traffic::Figures figures = traffic.figures(std::nullopt);
  EXPECT_EQ(figures.totals.requests, 5U);
  EXPECT_EQ(figures.requests_per_second, 0);
  EXPECT_FALSE(figures.p50_ms.has_value());
  EXPECT_TRUE(traffic.history().empty());
}

TEST_F(TrafficTest, RatesAreOfTheWindowAndOfAllWorkers) {
  traffic.sample(workers, now);
  exchanges(30, Protocol::kH2, 200);
  counting = two;
  exchanges(10, Protocol::kH2, 503);
  exchanges(6, Protocol::kH10, 404);
  second();
  second();
  EXPECT_DOUBLE_EQ(traffic.figures(Protocol::kH2).requests_per_second, 20);
  EXPECT_DOUBLE_EQ(traffic.figures(Protocol::kH2).errors_per_second, 5);
  EXPECT_DOUBLE_EQ(traffic.figures(Protocol::kH1).requests_per_second, 3);  // HTTP/1.0 counts as h1
  EXPECT_DOUBLE_EQ(traffic.figures(std::nullopt).requests_per_second, 23);
  EXPECT_EQ(traffic.figures(Protocol::kH3).totals.requests, 0U);
}

TEST_F(TrafficTest, WhatIsOlderThanTheWindowDoesNotCount) {
  traffic.sample(workers, now);
  exchanges(100, Protocol::kH3, 500);
  for (int i = 0; i < 10; ++i) second();
  EXPECT_DOUBLE_EQ(traffic.figures(Protocol::kH3).errors_per_second, 10);
  second();
  EXPECT_DOUBLE_EQ(traffic.figures(Protocol::kH3).errors_per_second, 0);
  EXPECT_FALSE(traffic.figures(Protocol::kH3).p99_ms.has_value());
  EXPECT_EQ(traffic.figures(Protocol::kH3).totals.errors, 100U);
}

TEST_F(TrafficTest, TheHistoryHasAPointForEachSecondAndEnds) {
  traffic.sample(workers, now);
  for (int i = 0; i < 130; ++i) {
    exchanges(i % 2, Protocol::kH1, 500, {.took = 20ms});
    second();
  }
  ASSERT_EQ(traffic.history().size(), Traffic::kHistory);
  const Traffic::Point& last = traffic.history().back();
  EXPECT_EQ(last.requests, 1U);
  EXPECT_EQ(last.errors, 1U);
  EXPECT_NEAR(last.p99_ms.value_or(0), 25, 1);
  EXPECT_FALSE(traffic.history()[Traffic::kHistory - 2].p99_ms.has_value());
}

TEST_F(TrafficTest, WhatIsBeingAnsweredIsInFlight) {
  ExchangeContext context{.loop = world.loop, .observer = world.observer, .make_responder = nullptr};
  Waker waker(world.loop, [] {});
  const Exchange running(context, {.protocol = Protocol::kH2, .listener = policy}, request_head("GET"), waker);
  one->exchange_began(running);
  second();
  EXPECT_EQ(traffic.figures(Protocol::kH2).totals.in_flight, 1U);
  EXPECT_EQ(traffic.figures(std::nullopt).totals.in_flight, 1U);
}

TEST_F(TrafficTest, RoutesAndEndpointsAreAddedUpOverWorkers) {
  exchanges(2, Protocol::kH1, 200, {.route = "*/a"});
  one->endpoint("shop", "web#0").connects_refused.add(3);
  counting = two;
  exchanges(1, Protocol::kH2, 502, {.route = "*/a"});
  two->endpoint("shop", "web#0").connects_refused.add(1);
  two->endpoint("shop", "web#0").connects_out_of_resources.add(5);
  two->endpoint("shop", "web#0").connections_idle.add(2);
  const auto routes = Traffic::by_route(workers);
  EXPECT_EQ(routes.at("*/a").requests, 3U);
  EXPECT_EQ(routes.at("*/a").errors, 1U);
  const Traffic::Connections endpoint = Traffic::by_endpoint(workers).at({"shop", "web#0"});
  EXPECT_EQ(endpoint.refused, 4U);
  EXPECT_EQ(endpoint.out_of_resources, 5U);
  EXPECT_EQ(endpoint.idle, 2U);
}

TEST(TrafficQuantile, IsInterpolatedWithinItsBucket) {
  Traffic::Buckets counts{};
  EXPECT_FALSE(Traffic::quantile(counts, 0.5).has_value());
  counts[1] = 100;  // from 0.5 to 1 ms
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 0.5).value(), 0.75);
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 1).value(), 1);
  counts[4] = 100;  // from 5 to 10 ms
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 0.75).value(), 7.5);
  Traffic::Buckets endless{};
  endless.back() = 1;
  EXPECT_DOUBLE_EQ(Traffic::quantile(endless, 0.99).value(), 120'000);
}

}  // namespace
}  // namespace gatehouse
