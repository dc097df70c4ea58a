// What a worker keeps of its endpoints: idle connections, leases, and the lines of those who wait for a permit.
#include "proxy/upstream/pool.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class PoolTest : public ForwardingTest {
 protected:
  void limit(const UpstreamOptions& options) {
    upstream = upstream_of({endpoint.address()}, options);
    routes = routes_to(upstream);
  }
  std::uint64_t waiting() { return world.upstream_counters["shop"].waiting.value(); }
};

TEST_F(PoolTest, TheMostRecentlyUsedConnectionComesFirst) {
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  ScriptedConnection one = world.accept(endpoint);
  ScriptedConnection two = world.accept(endpoint);
  EXPECT_EQ(active(), 2U);
  carry(a, one, kOkResponse);
  carry(b, two, kOkResponse);
  EXPECT_EQ(idle(), 2U);
  TestExchange c = exchange("GET");
  EXPECT_FALSE(world.request_of(two).empty());
  EXPECT_TRUE(one.received().empty());
}

TEST_F(PoolTest, WhatIsBeyondMaxIdleServesTheNextBurstOrGoesWithinASecond) {
  limit({.pool = {.max_idle = 1}});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  ScriptedConnection one = world.accept(endpoint);
  ScriptedConnection two = world.accept(endpoint);
  carry(a, one, kOkResponse);
  carry(b, two, kOkResponse);
  EXPECT_EQ(idle(), 2U);
  world.advance(999ms);
  EXPECT_EQ(idle(), 2U);
  world.advance(1ms);
  EXPECT_EQ(idle(), 1U);
  EXPECT_TRUE(world.turn_until([&] { return two.ended(); }));
  EXPECT_FALSE(one.ended());
}

TEST_F(PoolTest, KeepsNothingWithMaxIdleZero) {
  limit({.pool = {.max_idle = 0}});
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, kOkResponse);
  EXPECT_EQ(idle() + active(), 0U);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
}

TEST_F(PoolTest, APoolWhoseEndpointIsGoneClosesWhatIsIdleAndGoesWithItsLastLease) {
  ScriptedConnection first = kept_connection();
  TestExchange running = exchange("GET");
  TestExchange other = exchange("GET");
  world.request_of(first);
  ScriptedConnection second = world.accept(endpoint);
  carry(other, second, kOkResponse);
  EXPECT_EQ(idle(), 1U);
  EXPECT_EQ(active(), 1U);

  const std::weak_ptr<Endpoint> gone = endpoints_of(*upstream)[0];
  const ScriptedEndpoint replacement;
  const std::shared_ptr<const Upstream> next = upstream_of({replacement.address()});
  world.pools.adopt({&next, 1});
  world.settle();
  EXPECT_EQ(idle(), 0U);
  EXPECT_TRUE(world.turn_until([&] { return second.ended(); }));
  EXPECT_FALSE(first.ended());

  carry(running, first, kOkResponse);
  EXPECT_EQ(running.body, "hello");
  EXPECT_EQ(idle() + active(), 0U);
  EXPECT_TRUE(world.turn_until([&] { return first.ended(); }));
  running.destroy();
  other.destroy();
  upstream.reset();
  routes.reset();
  world.settle();
  EXPECT_EQ(gone.use_count(), 1) << "the fixture's exchanges hold the last table";
}

TEST_F(PoolTest, AnEndpointThatStaysKeepsItsConnectionsOverAReload) {
  ScriptedConnection connection = kept_connection();
  const std::shared_ptr<const Upstream> next = upstream_with(upstream->membership().set(), {});
  world.pools.adopt({&next, 1});
  routes = routes_to(next);
  EXPECT_EQ(idle(), 1U);
  TestExchange e = exchange("GET");
  carry(e, connection, kOkResponse);
  EXPECT_TRUE(e->record().upstream_reused);
}

TEST_F(PoolTest, DrainingClosesWhatIsIdle) {
  ScriptedConnection connection = kept_connection();
  world.pools.close_idle();
  EXPECT_EQ(idle(), 0U);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
}

TEST_F(PoolTest, TwoClosesAtTheSameAgeTeachToBeEarlier) {
  for (int i = 0; i < 2; ++i) {
    ScriptedConnection connection = kept_connection();
    world.advance(20s);
    EXPECT_EQ(idle(), 1U);
    connection.close();
    world.turn_until([&] { return idle() == 0; });
  }
  ScriptedConnection connection = kept_connection();
  world.advance(18500ms);
  EXPECT_EQ(idle(), 1U);
  world.advance(600ms);
  EXPECT_EQ(idle(), 0U);
  world.advance(600s);  // what was learned is forgotten in time
  ScriptedConnection later = kept_connection();
  world.advance(30s);
  EXPECT_EQ(idle(), 1U);
}

TEST_F(PoolTest, RequestsBeyondTheLimitWaitTheirTurn) {
  limit({.max_requests = 1});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  TestExchange c = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  EXPECT_EQ(waiting(), 2U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 1U);
  EXPECT_FALSE(endpoint.accept().has_value());
  world.clock.advance(3s);
  carry(a, connection, kOkResponse);
  carry(b, connection, kOkResponse);
  EXPECT_EQ(b.body, "hello");
  EXPECT_EQ(c.status(), 0);
  EXPECT_EQ(b->record().queued, Duration(3s));
  EXPECT_FALSE(a->record().queued.has_value());
  carry(c, connection, kOkResponse);
  EXPECT_EQ(c.body, "hello");
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(upstream->waiting(), 0U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
}

TEST_F(PoolTest, AWaitingRequestTakesTheFirstPlaceThatIsFreeAnywhere) {
  ScriptedEndpoint other;
  upstream = upstream_of({endpoint.address(), other.address()}, {.max_requests = 1});
  routes = routes_to(upstream);
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  TestExchange c = exchange("GET");
  ScriptedConnection one = world.accept(endpoint);
  ScriptedConnection two = world.accept(other);
  world.request_of(one);
  world.request_of(two);
  two.forget();
  two.send(kOkResponse);
  EXPECT_TRUE(world.turn_until([&] { return !two.received().empty(); }));  // c has come
}

TEST_F(PoolTest, AFullLineIs503AtOnce) {
  limit({.max_requests = 1, .queue = 1});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  TestExchange c = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.turn_until([&] { return c.over(); });
  EXPECT_EQ(c.status(), 503);
  EXPECT_EQ(c->record().fault, Fault::kQueueFull);
  EXPECT_EQ(b.status(), 0);
  EXPECT_EQ(upstream->waiting(), 1U);
}

TEST_F(PoolTest, WaitingTooLongIs503ForThoseWhoWaitedTooLong) {
  limit({.max_requests = 1, .queue_timeout = 10s});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  world.advance(5s);
  TestExchange c = exchange("GET");
  world.settle();
  world.advance(6s);
  EXPECT_EQ(b.status(), 503);
  EXPECT_EQ(b->record().fault, Fault::kQueueTimeout);
  EXPECT_EQ(c.status(), 0);
  world.advance(5s);
  EXPECT_EQ(c.status(), 503);
  EXPECT_EQ(waiting(), 0U);
}

TEST_F(PoolTest, WhoGoesAwayWhileWaitingLeavesTheLine) {
  limit({.max_requests = 1});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  TestExchange c = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  b.destroy();
  EXPECT_EQ(waiting(), 1U);
  carry(a, connection, kOkResponse);
  carry(c, connection, kOkResponse);
  EXPECT_EQ(c.body, "hello");
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
}

TEST_F(PoolTest, APlaceOnItsWayToSomebodyWhoHasLeftIsGivenBack) {
  limit({.max_requests = 1});
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  world.settle();
  EXPECT_EQ(waiting(), 1U);
  a.destroy();  // posts its permit to b's line
  b.destroy();
  world.settle();
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
  TestExchange c = exchange("GET");
  world.settle();
  EXPECT_EQ(c->record().attempts, 1U);
}

TEST_F(PoolTest, TheWaitEndsWhenAnEndpointBecomesAvailable) {
  ScriptedEndpoint other;
  upstream = upstream_of({endpoint.address(), other.address()}, {.max_requests = 1});
  routes = routes_to(upstream);
  endpoints_of(*upstream)[1]->set(Obstacle::kNotServing);
  TestExchange a = exchange("GET");
  TestExchange b = exchange("GET");
  world.settle();
  EXPECT_EQ(waiting(), 1U);
  endpoints_of(*upstream)[1]->clear(Obstacle::kNotServing);
  ScriptedConnection connection = world.accept(other);
  carry(b, connection, kOkResponse);
  EXPECT_EQ(b.body, "hello");
}

TEST_F(PoolTest, APlaceThatAnotherWorkerFreesWakesThisOne) {
  limit({.max_requests = 1});
  UpstreamWorld other;  // another worker's loop and pools; this test turns both
  TestExchange a = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  TestExchange b(other, routes, request_head("GET"));
  other.settle();
  EXPECT_EQ(other.upstream_counters["shop"].waiting.value(), 1U);
  carry(a, connection, kOkResponse);
  other.settle();
  EXPECT_EQ(other.upstream_counters["shop"].waiting.value(), 0U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 1U);
  ScriptedConnection second = other.accept(endpoint);
  other.request_of(second);
  second.send(kOkResponse);
  other.turn_until([&] { return b.over(); });
  EXPECT_EQ(b.body, "hello");
}

// Takes a permit (or waits for one), keeps it for a turn of its loop, and begins again, until its share is done.
class Taker final : public PoolWaiter {
 public:
  Taker(EventLoop& loop, UpstreamPools& pools, std::shared_ptr<const Upstream> upstream, std::atomic<int>& inside)
      : pools_(pools),
        upstream_(std::move(upstream)),
        inside_(inside),
        again_(loop, [this] { next(); }, Waker::Phase::kFlush) {
    again_.wake();
  }
  bool done() const { return left_ == 0; }

 private:
  void next() {
    if (permit_) {
      --inside_;
      permit_.reset();
      if (--left_ == 0) return;
    }
    if (std::expected<Permit, NoPermit> permit = pools_.take_permit(upstream_, {})) {
      on_permit(*std::move(permit));
    } else {
      ASSERT_TRUE(pools_.wait(upstream_, *this));
    }
  }
  void on_permit(Permit permit) override {
    EXPECT_LE(++inside_, 2);
    permit_.emplace(std::move(permit));
    pools_.loop().post([this] { again_.wake(); });
  }
  void on_wait_timeout(NoPermit) override { give_up("starved"); }
  void on_refused(const Refusal&) override { give_up("refused"); }
  void give_up(const char* why) {
    left_ = 0;
    FAIL() << why;
  }

  UpstreamPools& pools_;
  std::shared_ptr<const Upstream> upstream_;
  std::atomic<int>& inside_;
  std::optional<Permit> permit_;
  int left_ = 300;
  Waker again_;
};

// Runs takers on three workers until all are done, with `meanwhile` on this thread.
void take_on_many_workers(const std::shared_ptr<const Upstream>& upstream,
                          const std::function<void(const std::atomic<int>&)>& meanwhile) {
  std::atomic<int> inside{0};
  std::atomic<int> running{3};
  const auto work = [&] {
    EventLoop loop;
    EndpointCounters endpoint_counters;
    UpstreamCounters upstream_counters;
    UpstreamPools pools(loop, {.endpoint = [&](const Endpoint&) -> EndpointCounters& { return endpoint_counters; },
                               .upstream = [&](std::string_view) -> UpstreamCounters& { return upstream_counters; }});
    std::list<Taker> takers;
    for (int i = 0; i < 3; ++i) takers.emplace_back(loop, pools, upstream, inside);
    while (!std::ranges::all_of(takers, &Taker::done)) loop.turn(EventLoop::Wait::kForEvents);
    EXPECT_EQ(upstream_counters.waiting.value(), 0U);
    --running;
  };
  std::vector<std::jthread> workers;
  for (int i = 0; i < 3; ++i) workers.emplace_back(work);
  meanwhile(running);
  workers.clear();
  EXPECT_EQ(inside, 0);
  EXPECT_EQ(upstream->waiting(), 0U);
}

TEST(PermitTest, ManyWorkersShareFewPlacesAndNobodyStarves) {
  const auto upstream = upstream_of({refused_address(), refused_address()}, {.max_requests = 1, .queue_timeout = 30s});
  take_on_many_workers(upstream, [](const auto&) {});
  for (const auto& endpoint : endpoints_of(*upstream)) EXPECT_EQ(endpoint->in_flight(), 0U);
}

TEST(PermitTest, NobodyStarvesWhileEndpointsComeAndGo) {
  const EndpointSet::Member one{.endpoint = endpoint_at(refused_address())};
  const EndpointSet::Member two{.endpoint = endpoint_at(refused_address())};
  const auto set = [](std::vector<EndpointSet::Member> members) {
    return set_with(std::move(members), EndpointSet::WhenNone::kWait);
  };
  const std::vector sets = {set({one}), set({}), set({two}), set({one, two})};
  const auto upstream = upstream_with(sets.back(), {.max_requests = 1, .queue_timeout = 30s});
  take_on_many_workers(upstream, [&](const std::atomic<int>& running) {
    for (std::size_t i = 0; running > 0; ++i) {
      upstream->membership().replace(sets[i % sets.size()]);
      if (i % 3 == 0) two.endpoint->set(Obstacle::kNotServing);
      if (i % 3 == 2) two.endpoint->clear(Obstacle::kNotServing);
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(one.endpoint->in_flight(), 0U);
  EXPECT_EQ(two.endpoint->in_flight(), 0U);
}

}  // namespace
}  // namespace gatehouse
