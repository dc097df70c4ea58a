// Thresholds as a table: what a row of checks makes of an endpoint.
#include "proxy/health/health_tracker.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

struct Row {
  std::string_view name;
  InitialHealth initial;
  HealthTracker::Thresholds thresholds;
  std::string_view checks;  // p passed, f failed
  std::string_view health;  // after each of them: H healthy, - not; upper case or '!' where it changed
};

constexpr auto kServe = InitialHealth::kServe;
constexpr auto kWait = InitialHealth::kWait;

class HealthTrackerTest : public testing::TestWithParam<Row> {};

TEST_P(HealthTrackerTest, Follows) {
  const Row& row = GetParam();
  HealthTracker tracker(row.initial);
  EXPECT_EQ(tracker.healthy(), row.initial == kServe);
  std::string health;
  for (const char check : row.checks) {
    const bool changed = tracker.note(check == 'p', row.thresholds);
    health += tracker.healthy() ? (changed ? 'H' : 'h') : (changed ? '!' : '-');
  }
  EXPECT_EQ(health, row.health);
}

INSTANTIATE_TEST_SUITE_P(All, HealthTrackerTest,
                         testing::Values(Row{"OneFailureIsNone", kServe, {2, 1}, "pfpfpf", "hhhhhh"},
                                         Row{"TwoInARowAreDown", kServe, {2, 1}, "pffff", "hh!--"},
                                         Row{"OnePassIsUpAgain", kServe, {2, 1}, "ffpp", "h!Hh"},
                                         Row{"FlappingIsDamped", kServe, {3, 2}, "ffpffpfffpfpp", "hhhhhhhh!---H"},
                                         Row{"TheFirstFailureMayBeEnough", kServe, {1, 1}, "fpf", "!H!"},
                                         Row{"ZeroCountsAsOne", kServe, {0, 0}, "fpf", "!H!"},
                                         Row{"WaitsForTheFirstPassOnly", kWait, {2, 3}, "ppp", "Hhh"},
                                         Row{"WaitsHoweverOftenItFails", kWait, {2, 3}, "fffp", "---H"},
                                         Row{"AfterTheFirstPassThresholdsCount", kWait, {2, 3}, "pffppp", "Hh!--H"}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace gatehouse
