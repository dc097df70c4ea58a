// Rates and quantiles of the last seconds, from counters that only ever grow.
#include "proxy/observe/traffic.h"

#include <algorithm>
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
    exchanges(2, Protocol::kH1, 500, {.took = 20ms});
    second();
  }
  ASSERT_EQ(traffic.history().size(), Traffic::kHistory);
  const Traffic::Point& last = traffic.history().back();
  EXPECT_EQ(last.requests, 2U);
  EXPECT_EQ(last.errors, 2U);
  EXPECT_NEAR(last.p99_ms.value_or(0), 20, 1) << "of the last ten seconds";
}

TEST_F(TrafficTest, OfFewRequestsNoPercentileIsTold) {
  traffic.sample(workers, now);
  exchanges(Traffic::kFewest - 1, Protocol::kH1, 200, {.took = 109ms});
  second();
  EXPECT_FALSE(traffic.figures(Protocol::kH1).p50_ms.has_value());
  EXPECT_FALSE(traffic.history().back().p99_ms.has_value());
  exchanges(1, Protocol::kH1, 200, {.took = 109ms});
  second();
  EXPECT_NEAR(traffic.figures(Protocol::kH1).p50_ms.value_or(0), 109, 4);
  EXPECT_NEAR(traffic.figures(Protocol::kH1).p99_ms.value_or(0), 109, 4);
  EXPECT_NEAR(traffic.history().back().p99_ms.value_or(0), 109, 4);
}

TEST_F(TrafficTest, Http10CountsAsHttp11InPercentilesToo) {
  traffic.sample(workers, now);
  exchanges(Traffic::kFewest, Protocol::kH10, 200, {.took = 3ms});
  second();
  EXPECT_NEAR(traffic.figures(Protocol::kH1).p50_ms.value_or(0), 3, 0.2);
}

TEST_F(TrafficTest, WhatIsBeingAnsweredIsInFlight) {
  ExchangeContext context{.loop = world.loop, .observer = world.observer, .make_responder = nullptr};
  Waker waker(world.loop, [] {});
  const Exchange running(context, {.protocol = Protocol::kH2, .listener = policy}, request_head("GET"), waker);
  one->exchange_began(running);
  second();
  EXPECT_EQ(traffic.figures(Protocol::kH2).totals.in_flight, 1U);
  EXPECT_EQ(traffic.figures(std::nullopt).totals.in_flight, 1U);
  EXPECT_EQ(traffic.figures(Protocol::kH2).totals.tunnels, 0U);
  one->tunnel_opened(running);
  second();
  EXPECT_EQ(traffic.figures(Protocol::kH2).totals.tunnels, 1U);
  EXPECT_EQ(traffic.figures(Protocol::kH3).totals.tunnels, 0U);
  EXPECT_EQ(traffic.figures(std::nullopt).totals.tunnels, 1U);
  EXPECT_EQ(traffic.figures(std::nullopt).totals.in_flight, 1U);
}

TEST_F(TrafficTest, RoutesAndEndpointsAreAddedUpOverWorkers) {
  exchanges(2, Protocol::kH1, 200, {.route = "*/a"});
  one->endpoint("shop", "web#0").connects_refused.add(3);
  counting = two;
  exchanges(1, Protocol::kH2, 502, {.route = "*/a"});
  two->endpoint("shop", "web#0").connects_refused.add(1);
  two->endpoint("shop", "web#0").connects_out_of_resources.add(5);
  two->endpoint("shop", "web#0").connections_idle.add(1);
  two->endpoint("shop", "web#0").connections_private.add(1);
  const auto routes = Traffic::by_route(workers);
  EXPECT_EQ(routes.at("*/a").requests, 3U);
  EXPECT_EQ(routes.at("*/a").errors, 1U);
  const Traffic::Connections endpoint = Traffic::by_endpoint(workers).at({"shop", "web#0"});
  EXPECT_EQ(endpoint.refused, 4U);
  EXPECT_EQ(endpoint.out_of_resources, 5U);
  EXPECT_EQ(endpoint.idle, 2U);
}

TEST(FineDurationsTest, NoBucketIsWiderThanASixteenthOfWhatItHolds) {
  EXPECT_EQ(FineDurations::bucket_of(-1s), 0U);
  EXPECT_EQ(FineDurations::bucket_of(1h), FineDurations::kBuckets - 1);
  for (std::size_t i = 0; i < FineDurations::kBuckets; ++i) {
    const std::uint64_t lower = FineDurations::lower_bound(i);
    const std::uint64_t upper = FineDurations::lower_bound(i + 1);
    EXPECT_LE(upper - lower, std::max<std::uint64_t>(1, lower / 16)) << i;
    EXPECT_EQ(FineDurations::bucket_of(std::chrono::microseconds(lower)), i);
    EXPECT_EQ(FineDurations::bucket_of(std::chrono::microseconds(upper) - 1ns), i);
  }
  EXPECT_GT(FineDurations::lower_bound(FineDurations::kBuckets), 120'000'000U);
}

TEST(TrafficQuantile, IsInterpolatedWithinItsBucket) {
  FineDurations::Counts counts{};
  EXPECT_FALSE(Traffic::quantile(counts, 0.5).has_value());
  counts[FineDurations::bucket_of(1024us)] = 100;  // to 1088 us
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 0.5).value(), 1.056);
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 1).value(), 1.088);
  counts[FineDurations::bucket_of(8192us)] = 100;  // to 8704 us
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 0.75).value(), 8.448);
  EXPECT_DOUBLE_EQ(Traffic::quantile(counts, 0.5).value(), 1.088);
}

}  // namespace
}  // namespace gatehouse
