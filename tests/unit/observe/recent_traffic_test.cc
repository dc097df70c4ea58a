// Rates, errors and quantiles of routes, upstreams and endpoints, from counters that only ever grow.
#include "proxy/observe/recent_traffic.h"

#include <memory>
#include <string_view>

#include <gtest/gtest.h>

#include "proxy/observe/worker_metrics.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

// What became of a request.
struct Sort {
  std::uint16_t status = 200;
  std::string_view endpoint = "a";
  Duration took = 8ms;
  bool responded = true;
};

class RecentTrafficTest : public ::testing::Test, private ExchangeObserver {
 protected:
  void exchanges(int count, const Sort& sort = {}) {
    for (int i = 0; i < count; ++i) {
      ExchangeContext context{.loop = world.loop, .observer = *this, .make_responder = nullptr};
      Waker waker(world.loop, [] {});
      Exchange exchange(context, {.protocol = Protocol::kH2, .listener = policy}, request_head("GET"), waker);
      ExchangeRecord& record = exchange.record();
      record.route = "*/";
      record.upstream = "shop";
      record.endpoint = sort.endpoint;
      record.attempts = 1;
      record.status = sort.status;
      if (sort.responded) record.first_byte = sort.took;
      duration = sort.took;
    }
  }
  void seconds(int count) {
    for (int i = 0; i < count; ++i) {
      now += 1s;
      recent.sample(workers, now);
    }
  }

  MonotonicTime now{1h};
  Duration duration{};
  UpstreamWorld world;
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  std::shared_ptr<WorkerMetrics> one = std::make_shared<WorkerMetrics>();
  std::shared_ptr<WorkerMetrics> two = std::make_shared<WorkerMetrics>();
  std::shared_ptr<WorkerMetrics> counting = one;
  Traffic::Workers workers{one, two};
  RecentTraffic recent;

 private:
  void on_begin(const Exchange& exchange) override { counting->exchange_began(exchange); }
  void on_end(const Exchange& exchange) override { counting->exchange_ended(exchange, duration); }
};

TEST_F(RecentTrafficTest, WhatIsNotKnownIsZero) {
  EXPECT_EQ(recent.route("*/").requests_per_second, 0);
  exchanges(100);
  recent.sample(workers, now);
  EXPECT_EQ(recent.route("*/").requests_per_second, 0) << "one sample says nothing of rates";
  EXPECT_EQ(recent.endpoint({"shop", "b"}).requests_per_second_1m, 0);
  EXPECT_EQ(recent.upstream("sho").requests_per_second_1m, 0);
  EXPECT_FALSE(recent.route("*/").p50_ms.has_value());
}

TEST_F(RecentTrafficTest, RatesAreOfTheirWindowsAndOfAllWorkers) {
  recent.sample(workers, now);
  exchanges(40);
  counting = two;
  exchanges(20, {.endpoint = "b"});
  seconds(2);
  EXPECT_DOUBLE_EQ(recent.route("*/").requests_per_second, 30);
  EXPECT_DOUBLE_EQ(recent.upstream("shop").requests_per_second, 30);
  EXPECT_DOUBLE_EQ(recent.endpoint({"shop", "a"}).requests_per_second, 20);
  EXPECT_DOUBLE_EQ(recent.endpoint({"shop", "b"}).requests_per_second_1m, 10);
  seconds(28);
  EXPECT_DOUBLE_EQ(recent.route("*/").requests_per_second, 0) << "older than ten seconds";
  EXPECT_DOUBLE_EQ(recent.route("*/").requests_per_second_1m, 2);
  seconds(60);
  EXPECT_DOUBLE_EQ(recent.route("*/").requests_per_second_1m, 0);
}

TEST_F(RecentTrafficTest, TheMinuteIsNeverShorterAndHardlyLonger) {
  recent.sample(workers, now);
  for (int second = 0; second < 200; ++second) {
    exchanges(3);
    seconds(1);
    EXPECT_DOUBLE_EQ(recent.upstream("shop").requests_per_second_1m, 3) << second;
    EXPECT_DOUBLE_EQ(recent.upstream("shop").requests_per_second, 3) << second;
  }
  seconds(59);
  EXPECT_GT(recent.upstream("shop").requests_per_second_1m, 0);
  seconds(12);
  EXPECT_DOUBLE_EQ(recent.upstream("shop").requests_per_second_1m, 0);
}

TEST_F(RecentTrafficTest, AnEndpointThatDoesNotRespondHasAnErrorToo) {
  recent.sample(workers, now);
  exchanges(6);
  exchanges(2, {.status = 404});
  exchanges(1, {.status = 503});
  exchanges(1, {.status = 499, .responded = false});
  seconds(1);
  EXPECT_DOUBLE_EQ(recent.endpoint({"shop", "a"}).errors_per_second_1m, 2);
  EXPECT_DOUBLE_EQ(recent.route("*/").errors_per_second_1m, 1) << "the client was told no 5xx";
}

TEST_F(RecentTrafficTest, QuantilesNeedTwentyRequestsAndAreEachEndpointsOwn) {
  recent.sample(workers, now);
  exchanges(19);
  exchanges(20, {.endpoint = "b", .took = 80ms});
  seconds(1);
  EXPECT_FALSE(recent.endpoint({"shop", "a"}).p50_ms.has_value());
  exchanges(1);
  seconds(1);
  const RecentTraffic::Figures quick = recent.endpoint({"shop", "a"});
  const RecentTraffic::Figures slow = recent.endpoint({"shop", "b"});
  EXPECT_NEAR(quick.p50_ms.value_or(0), 8, 0.5);
  EXPECT_NEAR(quick.p99_ms.value_or(0), 8, 0.5);
  EXPECT_NEAR(slow.p50_ms.value_or(0), 80, 5);
  EXPECT_LE(slow.p50_ms.value_or(999), slow.p95_ms.value_or(0));
  EXPECT_LE(slow.p95_ms.value_or(999), slow.p99_ms.value_or(0));
  EXPECT_GT(recent.upstream("shop").p99_ms.value_or(0), 50) << "both together";
}

}  // namespace
}  // namespace gatehouse
