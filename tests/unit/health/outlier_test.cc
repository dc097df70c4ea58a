// Who is ejected, for how long, and who never is.
#include "proxy/health/outlier.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/health_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class OutlierTest : public HealthTest {
 protected:
  void make(int count) {
    endpoints.clear();
    for (int i = 0; i < count; ++i)
      endpoints.push_back(endpoint_at(Address::parse("127.0.0.1:1").value(), std::to_string(i)));
    membership = membership_of(endpoints);
  }
  void fail(std::size_t index) { detector.keeps_failing(*membership, endpoints.at(index), options); }
  bool out(std::size_t index) const { return endpoints.at(index)->has(Obstacle::kEjected); }
  // How long it stays out this time, in steps of a second.
  Duration term(std::size_t index) {
    fail(index);
    Duration passed{};
    while (out(index) && passed < 1h) {
      advance(1s);
      passed += 1s;
    }
    return passed;
  }

  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::shared_ptr<Membership> membership;
  OutlierOptions options;
  OutlierDetector detector{loop, [this](const Endpoint& endpoint, bool ejected) {
                             log.push_back(endpoint.name() + (ejected ? " out" : " back"));
                           }};
};

TEST_F(OutlierTest, IsOutForATimeAndToldOf) {
  make(2);
  endpoints[0]->failed();
  fail(0);
  EXPECT_TRUE(out(0));
  EXPECT_FALSE(endpoints[0]->available());
  fail(0);
  advance(29999ms);
  EXPECT_TRUE(out(0));
  advance(1ms);
  EXPECT_FALSE(out(0));
  EXPECT_EQ(endpoints[0]->failures_in_row(), 0U);
  EXPECT_EQ(log, (Log{"0 out", "0 back"}));
}

TEST_F(OutlierTest, TheTimeDoublesWithEachRepetitionUpToFiveMinutes) {
  make(2);
  for (const auto expected : {30s, 60s, 120s, 240s, 300s, 300s}) EXPECT_EQ(term(0), expected);
}

TEST_F(OutlierTest, RepetitionsAreForgottenAfterAQuietPeriod) {
  make(2);
  EXPECT_EQ(term(0), 30s);
  advance(299s);
  EXPECT_EQ(term(0), 60s);
  advance(300s);
  EXPECT_EQ(term(0), 30s);
}

TEST_F(OutlierTest, ATimeLongerThanTheBoundStaysAsItIs) {
  make(2);
  options.eject_for = 10min;
  EXPECT_EQ(term(0), 10min);
  EXPECT_EQ(term(0), 10min);
}

TEST_F(OutlierTest, NoMoreThanTheShareIsOutAtOnce) {
  struct Row {
    int count;
    std::uint32_t percent;
    std::size_t most;
  };
  for (const Row& row : {Row{1, 100, 0}, Row{2, 50, 1}, Row{2, 10, 1}, Row{3, 50, 1}, Row{5, 50, 2}, Row{10, 30, 3},
                         Row{4, 100, 3}, Row{2, 0, 1}}) {
    make(row.count);
    options.max_ejected = row.percent;
    for (std::size_t i = 0; i < endpoints.size(); ++i) fail(i);
    std::size_t ejected = 0;
    for (std::size_t i = 0; i < endpoints.size(); ++i) ejected += out(i) ? 1 : 0;
    EXPECT_EQ(ejected, row.most) << row.count << " endpoints, " << row.percent << " %";
  }
}

TEST_F(OutlierTest, TheLastThatIsFitStays) {
  make(3);
  endpoints[1]->set(Obstacle::kUnhealthy);
  endpoints[2]->set(Obstacle::kNotServing);
  fail(0);
  EXPECT_FALSE(out(0));
  endpoints[1]->clear(Obstacle::kUnhealthy);
  fail(0);
  EXPECT_TRUE(out(0));
}

TEST_F(OutlierTest, WhoHasLeftTheSetIsLeftAlone) {
  make(3);
  membership->replace(set_of({endpoints[0], endpoints[1]}));
  fail(2);
  EXPECT_FALSE(out(2));
}

TEST_F(OutlierTest, ZeroFailuresMeansNever) {
  make(2);
  options.consecutive_failures = 0;
  fail(0);
  EXPECT_FALSE(out(0));
}

TEST_F(OutlierTest, ItsEndTakesEveryEjectionBack) {
  make(2);
  {
    OutlierDetector brief(loop, [](const Endpoint&, bool) {});
    brief.keeps_failing(*membership, endpoints[0], options);
    EXPECT_TRUE(out(0));
  }
  EXPECT_FALSE(out(0));
}

}  // namespace
}  // namespace gatehouse
