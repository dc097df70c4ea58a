#include "common/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fd.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing_support::contents_of;

// What the log of the other tests is afterwards: errors on stderr.
class LogTest : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(log::configure(log::Level::kError, "stderr").has_value()); }

  // What is in the file once everything said so far has been written.
  static std::string written(const std::string& path) {
    log::flush();
    return contents_of(path);
  }

  // Everything that `speak` writes to stderr.
  std::string stderr_of(const std::function<void()>& speak) {
    const std::string path = folder.path() / "stderr";
    const Fd kept(::dup(STDERR_FILENO));
    const Fd target(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ::dup2(target.get(), STDERR_FILENO);
    speak();
    ::dup2(kept.get(), STDERR_FILENO);
    return written(path);
  }

  testing_support::TemporaryFolder folder;
  std::string file = folder.path() / "program.log";
};

TEST_F(LogTest, ALineHasAUtcTimeALevelAndTheText) {
  ASSERT_TRUE(log::configure(log::Level::kInfo, file).has_value());
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::tzset();
  log::info("listening on {}", "127.0.0.1:80");
  ::unsetenv("TZ");
  ::tzset();
  const std::string line = written(file);
  EXPECT_THAT(line, testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info "
                                          "listening on 127\\.0\\.0\\.1:80\n"));
  std::tm time{};
  std::istringstream(line) >> std::get_time(&time, "%Y-%m-%dT%H:%M:%S");
  EXPECT_LT(std::abs(std::difftime(::timegm(&time), std::time(nullptr))), 60);
}

TEST_F(LogTest, OnlyTheLevelAndWhatIsGraverIsWritten) {
  ASSERT_TRUE(log::configure(log::Level::kWarn, file).has_value());
  log::debug("no");
  log::info("no");
  log::warn("w");
  log::error("e");
  ASSERT_TRUE(log::configure(log::Level::kDebug, file).has_value());
  log::debug("d");
  std::istringstream lines(written(file));
  std::vector<std::string> ends;
  for (std::string line; std::getline(lines, line);) ends.push_back(line.substr(line.find(' ') + 1));
  EXPECT_EQ(ends, (std::vector<std::string>{"warning w", "error e", "debug d"}));
}

TEST_F(LogTest, WhatAClientSentCannotForgeALine) {
  ASSERT_TRUE(log::configure(log::Level::kInfo, file).has_value());
  log::info("bad host {}", "a\nb\r\x1B[31m\x7F gr\xC3\xBC");
  const std::string text = written(file);
  EXPECT_TRUE(text.ends_with("bad host a\\x0ab\\x0d\\x1b[31m\\x7f gr\xC3\xBC\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(LogTest, TheJournalGetsPrioritiesInsteadOfTimes) {
  const std::string text = stderr_of([] {
    ASSERT_TRUE(log::configure(log::Level::kDebug, "journal").has_value());
    log::error("e");
    log::warn("w");
    log::info("i");
    log::debug("d");
  });
  EXPECT_EQ(text, "<3>e\n<4>w\n<6>i\n<7>d\n");
}

TEST_F(LogTest, ReopenGoesOnInANewFileAfterRotation) {
  ASSERT_TRUE(log::configure(log::Level::kInfo, file).has_value());
  log::info("one");
  std::filesystem::rename(file, file + ".1");
  log::info("two");
  log::flush();
  log::reopen();
  log::info("three");
  EXPECT_TRUE(written(file + ".1").ends_with(" info two\n"));
  EXPECT_TRUE(written(file).ends_with(" info three\n"));
  EXPECT_FALSE(written(file).contains("two"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsAnErrorAndTheOldTargetStays) {
  ASSERT_TRUE(log::configure(log::Level::kInfo, file).has_value());
  const std::string missing = folder.path() / "missing" / "program.log";
  const Result<> result = log::configure(log::Level::kInfo, missing);
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().message.contains(missing));
  EXPECT_EQ(result.error().code, ENOENT);
  log::info("still here");
  EXPECT_TRUE(written(file).ends_with("still here\n"));
}

TEST_F(LogTest, ThreadsLogWhileItIsReconfiguredAndNoLineIsLostOrMixed) {
  ASSERT_TRUE(log::configure(log::Level::kInfo, file).has_value());
  constexpr int kThreads = 3;
  constexpr int kLines = 300;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < kLines; ++i) log::info("a line of some length {}", i);
    });
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(log::configure(log::Level::kInfo, file).has_value());
    log::reopen();
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(written(file));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, testing::MatchesRegex("[^ ]+Z info a line of some length [0-9]+"));
  }
  EXPECT_EQ(count, kThreads * kLines);
}

}  // namespace
}  // namespace gatehouse
