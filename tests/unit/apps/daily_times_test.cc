// Times of the day on clocks that are put forward and back, by people and by law.
#include "proxy/apps/daily_times.h"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::sys_seconds;
using testing_support::AppHostTest;

local_seconds clocks_of(const char* zone, sys_seconds time) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::locate_zone(zone)->to_local(time));
}
local_seconds berlin(sys_seconds time) {
  return clocks_of("Europe/Berlin", time);
}
local_seconds new_york(sys_seconds time) {
  return clocks_of("America/New_York", time);
}
local_seconds utc(sys_seconds time) {
  return local_seconds(time.time_since_epoch());
}

sys_seconds at(const std::string& text) {
  sys_seconds time;
  std::istringstream(text) >> std::chrono::parse("%FT%TZ", time);
  return time;
}
std::string text_of(std::optional<sys_seconds> time) {
  return time ? std::format("{:%FT%TZ}", *time) : "never";
}

TEST(NextTime, IsTheFirstBehindAMomentThroughChangesOfTheClocks) {
  struct Row {
    Clocks clocks;
    std::vector<minutes> times;
    const char* after;
    const char* next;
  };
  const std::vector<minutes> three{3h};
  const std::vector<minutes> half_past_two{2h + 30min};
  const std::vector<minutes> two{2h};
  const std::vector<minutes> half_past_one{1h + 30min};
  for (const Row& row : std::vector<Row>{
           {utc, {}, "2026-01-01T00:00:00Z", "never"},
           {utc, three, "2026-01-01T02:59:59Z", "2026-01-01T03:00:00Z"},
           {utc, three, "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"},
           {utc, {15h + 30min, 3h}, "2026-01-01T03:00:00Z", "2026-01-01T15:30:00Z"},
           {utc, {15h + 30min, 3h}, "2026-12-31T15:30:00Z", "2027-01-01T03:00:00Z"},
           {utc, {0h}, "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},
           {berlin, three, "2026-01-15T00:00:00Z", "2026-01-15T02:00:00Z"},
           {berlin, three, "2026-07-15T00:00:00Z", "2026-07-15T01:00:00Z"},
           // 2026-03-29 01:00 UTC: 02:00 becomes 03:00.
           {berlin, half_past_two, "2026-03-27T12:00:00Z", "2026-03-28T01:30:00Z"},
           {berlin, half_past_two, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
           {berlin, two, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
           {berlin, three, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
           {berlin, {2h + 59min, 3h + 1min}, "2026-03-29T01:00:00Z", "2026-03-29T01:01:00Z"},
           {berlin, half_past_two, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
           {berlin, half_past_one, "2026-03-28T12:00:00Z", "2026-03-29T00:30:00Z"},
           // 2026-10-25 01:00 UTC: 03:00 becomes 02:00.
           {berlin, half_past_two, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
           {berlin, half_past_two, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
           {berlin, half_past_two, "2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z"},
           {berlin, two, "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z"},
           {berlin, two, "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"},
           {berlin, three, "2026-10-24T12:00:00Z", "2026-10-25T02:00:00Z"},
           // 2026-03-08 07:00 UTC: 02:00 becomes 03:00.
           {new_york, half_past_two, "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"},
           {new_york, half_past_two, "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"},
           {new_york, half_past_one, "2026-03-07T12:00:00Z", "2026-03-08T06:30:00Z"},
           // 2026-11-01 06:00 UTC: 02:00 becomes 01:00.
           {new_york, half_past_one, "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z"},
           {new_york, half_past_one, "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"},
           {new_york, half_past_one, "2026-11-01T06:15:00Z", "2026-11-02T06:30:00Z"},
           {new_york, three, "2026-10-31T12:00:00Z", "2026-11-01T08:00:00Z"},
       }) {
    EXPECT_EQ(text_of(next_time(row.times, at(row.after), row.clocks)), row.next) << row.after;
  }
}

// A second a step: each time comes once a day, whatever the clocks do.
TEST(NextTime, ComesOnceADayAllYear) {
  for (const Clocks clocks : {berlin, new_york}) {
    for (const minutes time : {minutes(0), minutes(90), minutes(120), minutes(150), minutes(180), minutes(1439)}) {
      const std::vector<minutes> times{time};
      sys_seconds last = *next_time(times, at("2026-01-01T00:00:00Z"), clocks);
      for (int day = 0; day < 365; ++day) {
        const sys_seconds next = *next_time(times, last, clocks);
        EXPECT_GE(next - last, 22h);
        EXPECT_LE(next - last, 26h);
        EXPECT_EQ(
            std::chrono::floor<std::chrono::days>(clocks(next)) - std::chrono::floor<std::chrono::days>(clocks(last)),
            std::chrono::days(1));
        last = next;
      }
    }
  }
}

TEST(LocalClocks, AreThoseOfTheProcess) {
  const char* const before = std::getenv("TZ");
  const std::optional<std::string> kept = before != nullptr ? std::optional<std::string>(before) : std::nullopt;
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  for (const char* time :
       {"2026-01-15T00:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-07-01T12:00:00Z"}) {
    EXPECT_EQ(local_clocks(at(time)), berlin(at(time))) << time;
  }
  kept ? setenv("TZ", kept->c_str(), 1) : unsetenv("TZ");
  tzset();
}

// Looks once a second from `from` to `to`; how often a time came.
int looks(DailyTimes& daily, const std::vector<minutes>& times, sys_seconds from, sys_seconds to) {
  int came = 0;
  for (sys_seconds now = from; now <= to; now += 1s) came += daily.come(times, now) ? 1 : 0;
  return came;
}

const std::vector<minutes> kThree{3h};

TEST(DailyTimes, EachComesOnce) {
  DailyTimes daily(utc);
  EXPECT_EQ(text_of(daily.next()), "never");
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T02:00:00Z"), at("2026-01-01T02:59:59Z")), 0);
  EXPECT_EQ(text_of(daily.next()), "2026-01-01T03:00:00Z");
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T03:00:00Z"), at("2026-01-01T03:00:00Z")), 1);
  EXPECT_EQ(text_of(daily.next()), "2026-01-02T03:00:00Z");
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T03:00:01Z"), at("2026-01-01T04:00:00Z")), 0);
}

TEST(DailyTimes, AClockThatIsPutBackBringsNoneAgain) {
  DailyTimes daily(utc);
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T02:59:00Z"), at("2026-01-01T03:01:00Z")), 1);
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T01:30:00Z"), at("2026-01-01T04:00:00Z")), 0);
  EXPECT_EQ(looks(daily, kThree, at("2026-01-02T02:59:00Z"), at("2026-01-02T03:01:00Z")), 1);
}

TEST(DailyTimes, OneThatWasPutBackBeforeItsTimeStillBringsIt) {
  DailyTimes daily(utc);
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T02:58:00Z"), at("2026-01-01T02:59:00Z")), 0);
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T01:00:00Z"), at("2026-01-01T03:30:00Z")), 1);
}

TEST(DailyTimes, AClockThatWasWrongByDaysIsBelievedAfterwards) {
  DailyTimes daily(utc);
  EXPECT_EQ(looks(daily, kThree, at("2030-01-01T02:59:00Z"), at("2030-01-01T03:01:00Z")), 1);
  EXPECT_EQ(looks(daily, kThree, at("2026-01-01T02:59:00Z"), at("2026-01-01T03:01:00Z")), 1);
}

TEST(DailyTimes, WhatAMachineSleptThroughIsDoneOnlyWithinTheGrace) {
  for (const auto& [woken, comes] : {std::pair{"2026-01-01T03:04:59Z", true},
                                     {"2026-01-01T03:05:01Z", false},
                                     {"2026-01-05T02:00:00Z", false},
                                     {"2026-01-05T03:02:00Z", true}}) {
    DailyTimes daily(utc);
    EXPECT_FALSE(daily.come(kThree, at("2026-01-01T02:00:00Z")));
    EXPECT_EQ(daily.come(kThree, at(woken)), comes) << woken;
    EXPECT_FALSE(daily.come(kThree, at(woken) + 1s));
  }
}

TEST(DailyTimes, SeveralThatWereMissedAreOneAndTheLatestCounts) {
  DailyTimes daily(utc);
  const std::vector<minutes> times{3h, 3h + 2min, 15h};
  EXPECT_FALSE(daily.come(times, at("2026-01-01T02:00:00Z")));
  EXPECT_TRUE(daily.come(times, at("2026-01-01T03:03:00Z")));
  EXPECT_FALSE(daily.come(times, at("2026-01-01T03:03:01Z")));
  EXPECT_TRUE(daily.come(times, at("2026-01-02T15:01:00Z")));
}

TEST(DailyTimes, OtherTimesBeginWithTheNextOfThem) {
  DailyTimes daily(utc);
  EXPECT_FALSE(daily.come(kThree, at("2026-01-01T02:59:59Z")));
  EXPECT_FALSE(daily.come({4h}, at("2026-01-01T03:00:00Z")));
  EXPECT_EQ(text_of(daily.next()), "2026-01-01T04:00:00Z");
  EXPECT_FALSE(daily.come({}, at("2026-01-01T04:00:00Z")));
  EXPECT_EQ(text_of(daily.next()), "never");
}

TEST_F(AppHostTest, AtItsTimeOfTheDayAllInstancesAreReplacedOnce) {
  const auto shown = local_clocks(std::chrono::floor<std::chrono::seconds>(clock.wall()));
  const auto midnight = std::chrono::floor<std::chrono::days>(shown);
  AppSpec app = spec();
  app.start = AppStart::kEager;
  app.instances = 2;
  app.recycle.at = {std::chrono::floor<minutes>(shown + 90min - midnight) % std::chrono::days(1)};
  host->configure({app});
  ASSERT_TRUE(run_until([&] { return ready().size() == 2 && host->views()[0].next_recycle; }));
  const sys_seconds due = *host->views()[0].next_recycle;
  EXPECT_EQ(ready()[0].generation, 0U);
  clock.put_forward = std::chrono::ceil<std::chrono::seconds>(due - clock.wall());
  ASSERT_TRUE(run_until([&] { return ready().size() == 2 && ends.size() == 2; }));
  const std::vector<InstanceId> ids{ready()[0].id, ready()[1].id};
  EXPECT_GT(ids[0], 2U);
  EXPECT_GT(ids[1], 2U);
  EXPECT_GT(*host->views()[0].next_recycle, due + 20h);
  clock.put_forward -= 60s;
  run_for(2500ms);
  clock.put_forward += 61s;
  run_for(1500ms);
  ASSERT_EQ(ready().size(), 2U);
  EXPECT_EQ((std::vector<InstanceId>{ready()[0].id, ready()[1].id}), ids);
}

}  // namespace
}  // namespace gatehouse
