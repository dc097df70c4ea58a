#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/apps/app_process.h"
#include "proxy/apps/backoff.h"
#include "proxy/apps/environment.h"
#include "proxy/apps/files/rotating_file.h"
#include "proxy/apps/idle_watch.h"
#include "proxy/apps/line_cutter.h"
#include "proxy/apps/log_pipe.h"
#include "proxy/apps/rapid_fail.h"
#include "proxy/apps/recycling.h"
#include "proxy/apps/watched_folders.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using State = InstanceState;
using Event = ProcessEvent;
using Action = ProcessAction;

TEST(AppProcess, EveryPairOfStateAndEventDoesWhatTheDrawingSays) {
  const std::vector<Event> events = {Event::kReady, Event::kFailed,   Event::kDrain, Event::kResume,
                                     Event::kIdle,  Event::kDeadline, Event::kExited};
  const std::vector<std::pair<State, std::vector<ProcessStep>>> table = {
      {State::kStarting,
       {{State::kReady, Action::kAnnounce},
        {State::kStopping, Action::kKill},
        {State::kStopping, Action::kTerminate},
        {State::kStarting, Action::kNone},
        {State::kStarting, Action::kNone},
        {State::kStopping, Action::kKill},
        {State::kStopped, Action::kFinish}}},
      {State::kReady,
       {{State::kReady, Action::kNone},
        {State::kReady, Action::kNone},
        {State::kDraining, Action::kDrain},
        {State::kReady, Action::kNone},
        {State::kReady, Action::kNone},
        {State::kReady, Action::kNone},
        {State::kStopped, Action::kFinish}}},
      {State::kDraining,
       {{State::kDraining, Action::kNone},
        {State::kDraining, Action::kNone},
        {State::kDraining, Action::kNone},
        {State::kReady, Action::kAnnounce},
        {State::kStopping, Action::kTerminate},
        {State::kStopping, Action::kTerminate},
        {State::kStopped, Action::kFinish}}},
      {State::kStopping,
       {{State::kStopping, Action::kNone},
        {State::kStopping, Action::kNone},
        {State::kStopping, Action::kNone},
        {State::kStopping, Action::kNone},
        {State::kStopping, Action::kNone},
        {State::kStopping, Action::kKill},
        {State::kStopped, Action::kFinish}}},
      {State::kStopped, std::vector<ProcessStep>(7, {State::kStopped, Action::kNone})},
  };
  for (const auto& [state, steps] : table) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(process_step(state, events[i]), steps[i]) << label(state) << " event " << i;
    }
  }
}

TEST(Backoff, DoublesFromATenthOfASecondToHalfAMinute) {
  Backoff backoff;
  MonotonicTime now{1h};
  EXPECT_LE(backoff.retry_at(), now);
  std::vector<Duration> delays;
  for (int i = 0; i < 11; ++i) {
    backoff.failed(now, 0s);
    delays.push_back(backoff.retry_at() - now);
    now = backoff.retry_at();
  }
  EXPECT_EQ(delays,
            (std::vector<Duration>{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms, 30s, 30s}));
}

TEST(Backoff, StartsOverAfterHalfASecondOfServing) {
  Backoff backoff;
  const MonotonicTime start{1h};
  backoff.failed(start, 0s);
  backoff.failed(start + 1s, 499ms);
  EXPECT_EQ(backoff.retry_at(), start + 1200ms);
  backoff.failed(start + 4s, 500ms);
  EXPECT_EQ(backoff.retry_at(), start + 4100ms);
  for (int i = 0; i < 9; ++i) backoff.failed(start + 5s, 0s);
  backoff.failed(start + 60s, 2s);
  EXPECT_EQ(backoff.retry_at(), start + 60s + 100ms);
}

TEST(RapidFail, ParksOnTheLastOfSoManyWithinTheWindowOnly) {
  RapidFail rule({.count = 3, .window = 10s});
  const MonotonicTime start{1h};
  EXPECT_FALSE(rule.failed(start));
  EXPECT_FALSE(rule.failed(start + 5s));
  EXPECT_FALSE(rule.failed(start + 10s));  // the first has left the window
  EXPECT_TRUE(rule.failed(start + 11s));
  EXPECT_TRUE(rule.parked(start + 20s));
  EXPECT_FALSE(rule.parked(start + 21s));
}

TEST(RapidFail, ParksTwiceAsLongEachTimeAndForgetsAfterAnHour) {
  RapidFail rule({.count = 1, .window = 60s});
  MonotonicTime now{10h};
  std::vector<Duration> times;
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(rule.failed(now));
    times.push_back(rule.parked_until() - now);
    now = rule.parked_until();
  }
  EXPECT_EQ(times, (std::vector<Duration>{1min, 2min, 4min, 8min, 15min, 15min}));
  now += 1h;
  EXPECT_TRUE(rule.failed(now));
  EXPECT_EQ(rule.parked_until() - now, 1min);
}

TEST(RapidFail, ACountOfNothingNeverParks) {
  RapidFail rule({.count = 0, .window = 60s});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(rule.failed(MonotonicTime{1h}));
}

TEST(Recycling, AnInstanceIsReplacedAtItsLimitsAndWithoutLimitsNever) {
  const MonotonicTime now{1h};
  const recycling::Wear worn{.old_at = now, .requests = 100, .memory = 1001};
  EXPECT_EQ(recycling::reason({.requests = 100, .memory = 1000}, worn, now), RecycleReason::kMemory);
  EXPECT_EQ(recycling::reason({.requests = 100, .memory = 1001}, worn, now), RecycleReason::kRequests);
  EXPECT_EQ(recycling::reason({.requests = 101, .memory = 1001}, worn, now), RecycleReason::kAge);
  EXPECT_EQ(recycling::reason({.requests = 101, .memory = 1001}, worn, now - 1ns), std::nullopt);
  EXPECT_EQ(recycling::reason({}, {.requests = 1'000'000, .memory = 1'000'000'000}, now), std::nullopt);
  EXPECT_EQ(recycling::reason({}, {.time_of_day_has_come = true}, now), RecycleReason::kTimeOfDay);
}

TEST(Recycling, AgesDifferByAFifthSoThatAFleetDoesNotGoAtOnce) {
  const MonotonicTime now{1h};
  EXPECT_EQ(recycling::old_at({}, now), MonotonicTime::max());
  for (int i = 0; i < 1000; ++i) {
    const Duration age = recycling::old_at({.every = 100s}, now) - now;
    EXPECT_GE(age, 90s);
    EXPECT_LE(age, 110s);
  }
}

TEST(IdleWatch, CountsFromTheLastLookAtWhichSomebodyHadCome) {
  IdleWatch watch;
  const MonotonicTime start{1h};
  watch.begin(start);
  EXPECT_EQ(watch.look({}, start + 5s), 5s);
  EXPECT_EQ(watch.look({.requests = 1}, start + 6s), 0s);
  EXPECT_EQ(watch.look({.requests = 1}, start + 9s), 3s);
  EXPECT_EQ(watch.look({.requests = 1, .in_flight = 1}, start + 10s), 0s);
  watch.begin(start + 12s);
  EXPECT_EQ(watch.look({.requests = 1}, start + 13s), 1s);
}

TEST(WatchedFiles, WhatTheAppWritesItselfIsNoChangeOfIt) {
  AppSpec spec;
  spec.recycle.on_change = {"/srv/site"};
  spec.offline_file = "/srv/site/app_offline.htm";
  spec.output.path = "/srv/site/out";
  const PathPatterns watched = watched_by(spec);
  for (const char* path : {"/srv/site/app.py", "/srv/site/out.py", "/srv/site/output"}) {
    EXPECT_TRUE(watched.may_concern(path)) << path;
  }
  for (const char* path : {"/srv/site/out", "/srv/site/out.1", "/srv/site/app_offline.htm", "/srv/site/deep/app.log"}) {
    EXPECT_FALSE(watched.may_concern(path)) << path;
  }
}

TEST(LineCutter, CutsAtNewlinesHoweverTheBytesArrive) {
  const std::string text = "one\r\n\ntwo\nrest";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    std::vector<std::string> lines;
    LineCutter cutter([&](std::string_view line) { lines.emplace_back(line); });
    for (std::size_t at = 0; at < text.size(); at += piece) cutter.add(std::string_view(text).substr(at, piece));
    EXPECT_TRUE(cutter.unfinished());
    cutter.flush();
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two", "rest"})) << piece;
  }
}

TEST(LineCutter, CutsAfterSixteenKibibytesWithoutANewline) {
  std::vector<std::size_t> sizes;
  LineCutter cutter([&](std::string_view line) { sizes.push_back(line.size()); });
  cutter.add(std::string(40'000, 'x'));
  cutter.add("\n");
  EXPECT_EQ(sizes, (std::vector<std::size_t>{16384, 16384, 7232}));
}

TEST(Printable, KeepsTextAndEscapesWhatIsNone) {
  EXPECT_EQ(printable("a\tb \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "a\tb \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(printable(std::string_view("\0\x1b[31m\x7f", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80"), "\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("cut \xE2\x82"), "cut \\xe2\\x82");
}

TEST(LastOutput, KeepsTheEndOnly) {
  LastOutput last;
  last.add("short");
  EXPECT_EQ(last.text(), "short");
  for (int i = 0; i < 100; ++i) last.add(std::string(5000, static_cast<char>('a' + i % 26)));
  EXPECT_EQ(last.text().size(), LastOutput::kMost);
  EXPECT_TRUE(last.text().ends_with(std::string(5000, 'a' + 99 % 26)));
  last.add(std::string(1'000'000, 'z'));
  EXPECT_EQ(last.text(), std::string(LastOutput::kMost, 'z'));
}

TEST(RotatingFile, KeepsThreeFilesOfABoundedSize) {
  const testing_support::TemporaryFolder folder;
  const std::string path = folder.path() / "out.log";
  RotatingFile file(path, "", 100);
  for (char c = 'a'; c <= 'e'; ++c) file.write_line(std::string(60, c));
  EXPECT_EQ(testing_support::contents_of(path), std::string(60, 'e') + "\n");
  EXPECT_EQ(testing_support::contents_of(path + ".1"), std::string(60, 'd') + "\n");
  EXPECT_EQ(testing_support::contents_of(path + ".2"), std::string(60, 'c') + "\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".3"));
}

TEST(RotatingFile, MakesTheFolderThatIsMissingButNotTwo) {
  const testing_support::TemporaryFolder folder;
  RotatingFile(folder.path() / "logs/out.log").write_line("line");
  EXPECT_EQ(testing_support::contents_of(folder.path() / "logs/out.log"), "line\n");
  RotatingFile(folder.path() / "a/b/out.log").write_line("line");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a"));
}

TEST(AppEnvironment, ReadsAFileOfLines) {
  const auto parsed = parse_environment("# comment\nA=1\n\nexport B = no\n");
  EXPECT_FALSE(parsed.has_value());
  const auto good = parse_environment("# comment\nA=1\r\n\nexport B=\"two words\"\nC='x=y'\nD=\n");
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(*good, (Environment{{"A", "1"}, {"B", "two words"}, {"C", "x=y"}, {"D", ""}}));
  EXPECT_EQ(parse_environment("A=1\nnonsense\n").error().message, "line 2 is not NAME=value");
}

TEST(AppEnvironment, AByteOrderMarkIsNoPartOfTheFirstName) {
  EXPECT_EQ(parse_environment("\xEF\xBB\xBF"
                              "A=1\n"),
            (Environment{{"A", "1"}}));
  EXPECT_EQ(parse_environment("\xEF\xBB\xBF"), Environment());
}

TEST(AppEnvironment, OursIsPassedOnWhereItsNameOrPrefixIsAskedFor) {
  ::setenv("PASSED_ON", "x", 1);
  ::setenv("PASSED_ON_TOO", "x", 1);
  ::setenv("PASSING", "x", 1);
  ::setenv("DB_USER", "ours", 1);
  AppSpec::Process process;
  process.environment_from = {"PASSED_ON", "DB_*"};
  process.environment = {{"DB_HOST", "spec"}};
  const auto made = environment_of(process, {}, {{"DB_USER", "file"}}, {});
  const auto has = [&](const std::string& entry) { return std::ranges::contains(made, entry); };
  EXPECT_TRUE(has("PASSED_ON=x") && has("DB_USER=file") && has("DB_HOST=spec"));
  EXPECT_FALSE(has("PASSED_ON_TOO=x") || has("PASSING=x"));
}

TEST(AppEnvironment, TheLaterWinsAndOursStaysOurs) {
  ::setenv("SECRET_OF_OURS", "x", 1);
  ::setenv("LD_PRELOAD_TEST", "x", 1);
  ::setenv("LC_TEST", "inherited", 1);
  const testing_support::TemporaryFolder folder;
  AppSpec::Process process;
  const std::string file = folder.write("env", "A=file\nB=file\nC=file\n");
  process.environment = {{"B", "spec"}, {"C", "spec"}};
  const auto made = environment_of(process, {}, environment_from_file(file, {}).value(), {{"C", "transport"}});
  const auto has = [&](const std::string& entry) { return std::ranges::contains(made, entry); };
  EXPECT_TRUE(has("A=file") && has("B=spec") && has("C=transport") && has("LC_TEST=inherited"));
  for (const std::string& entry : made) {
    EXPECT_FALSE(entry.starts_with("SECRET_OF_OURS=") || entry.starts_with("LD_PRELOAD")) << entry;
  }
  EXPECT_NE(environment_from_file(folder.path() / "missing", {}).error().message.find("No such file"),
            std::string::npos);
}

}  // namespace
}  // namespace gatehouse
