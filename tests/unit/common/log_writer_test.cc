// The thread behind every log: nobody who has something to say waits for who reads it. What is too much is dropped,
// counted and told; what was said comes out at the end, before abort(), and in a child.
#include "common/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/fd.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::contents_of;
using testing_support::TemporaryFolder;

// A pipe with a name, which is full when 64 KiB are in it.
class Fifo {
 public:
  Fifo() : path_(folder_.path() / "fifo") {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    reader_ = Fd(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_TRUE(reader_);
  }

  const std::string& path() const { return path_; }

  // Reads until `end` has come.
  std::string read_until(const std::string& end) {
    ::fcntl(reader_.get(), F_SETFL, 0);
    std::string text;
    std::array<char, 4096> piece{};
    while (!text.contains(end)) {
      const ssize_t count = ::read(reader_.get(), piece.data(), piece.size());
      if (count <= 0) break;
      text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  TemporaryFolder folder_;
  std::string path_;
  Fd reader_;
};

std::shared_ptr<LogTarget> target_at(const std::string& path) {
  auto target = LogTarget::open(path, {});
  EXPECT_TRUE(target.has_value());
  return target ? *target : nullptr;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

class ProgramLogTest : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(log::configure(log::Level::kError, "stderr").has_value()); }
};

TEST_F(ProgramLogTest, NobodyWaitsForAReaderThatDoesNotReadAndLossesAreTold) {
  Fifo fifo;
  ASSERT_TRUE(log::configure(log::Level::kInfo, fifo.path()).has_value());
  const std::uint64_t before = log::counts().dropped;
  const std::string long_line(1000, 'x');
  // Far more than the pipe and what may wait: a log that waits for its reader would never get here.
  for (int i = 0; i < 5000; ++i) log::info("{} {}", i, long_line);
  const std::uint64_t dropped = log::counts().dropped - before;
  EXPECT_GT(dropped, 3000U);
  EXPECT_LT(dropped, 5000U);
  const std::string text = fifo.read_until(" lines of this log were dropped");
  EXPECT_TRUE(text.contains("info 0 xxx"));
  EXPECT_TRUE(text.contains("warning " + std::to_string(dropped) + " lines of this log were dropped")) << dropped;
}

TEST(LogWriterTest, ALineIsNotCutWhereOthersWriteToTheSamePipe) {
  std::array<int, 2> ends{};
  // In packet mode, where each read takes what one write gave.
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_DIRECT), 0);
  const Fd reader(ends[0]);
  const Fd kept(::dup(STDERR_FILENO));
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  const auto target = target_at("stderr");
  ::dup2(kept.get(), STDERR_FILENO);
  std::string block;
  for (int i = 0; i < 100; ++i) block += std::string(90 + static_cast<std::size_t>(i), 'x') + '\n';
  LogWriter writer({});
  writer.hand_over(target, block, 100);
  for (std::size_t lines = 0; lines < 100;) {
    std::array<char, 8192> piece{};
    const ssize_t count = ::read(reader.get(), piece.data(), piece.size());
    ASSERT_GT(count, 0);
    const std::string text(piece.data(), static_cast<std::size_t>(count));
    EXPECT_TRUE(text.ends_with('\n'));
    lines += lines_in(text);
  }
}

TEST(LogWriterTest, WhatCannotBeWrittenIsCountedAndToldWhenLinesGetOutAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "log";
  std::vector<std::uint64_t> told;
  {
    LogWriter writer({.caught_up = [&told](std::uint64_t dropped) { told.push_back(dropped); }});
    writer.add(target_at("/dev/full"), "one\n");
    writer.add(target_at("/dev/full"), "two\n");
    ASSERT_TRUE(writer.flush(10s));
    EXPECT_EQ(writer.dropped(), 2U);
    EXPECT_TRUE(told.empty());
    writer.add(target_at(path), "three\n");
    ASSERT_TRUE(writer.flush(10s));
  }
  EXPECT_EQ(told, (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(contents_of(path), "three\n");
}

TEST(LogWriterTest, TheEndDoesNotWaitForAReaderThatIsDead) {
  Fifo fifo;
  const auto target = target_at(fifo.path());
  LogWriter writer({.max_waiting = 1UL << 20U});
  for (int i = 0; i < 1000; ++i) writer.add(target, std::string(500, 'x') + '\n');
  EXPECT_FALSE(writer.flush(0ms));
}

TEST_F(ProgramLogTest, AChildAfterForkLogsWithoutTheThreadThatItDoesNotHave) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "log";
  ASSERT_TRUE(log::configure(log::Level::kInfo, path).has_value());
  log::info("of the parent");
  const pid_t child = ::fork();
  if (child == 0) {
    log::info("of the child");
    log::flush();
    std::_Exit(log::counts().dropped == 0 ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  log::info("of the parent again");
  log::flush();
  const std::string text = contents_of(path);
  EXPECT_TRUE(text.contains("of the child\n")) << text;
  EXPECT_TRUE(text.contains("of the parent again\n")) << text;
  EXPECT_EQ(lines_in(text), 3U) << text;
}

// Each in a process of its own, in which nobody has called configure() before.
class LogProgramTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override { GTEST_FLAG_SET(death_test_style, "fast"); }

  static void speak() {
    if (!log::configure(log::Level::kInfo, "stderr")) std::_Exit(1);
    for (int i = 0; i < 1000; ++i) log::info("line {}", i);
    log::error("last words");
  }
};

TEST_F(LogProgramTest, LinesOfBeforeConfigureComeOutAtOnce) {
  const auto program = [] {
    log::info("before configure");
    std::_Exit(0);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "Z info before configure");
}

TEST_F(LogProgramTest, NothingIsLostAtTheEndOfTheProcess) {
  const auto program = [] {
    speak();
    std::exit(0);
  };
  EXPECT_EXIT(program(), testing::ExitedWithCode(0), "Z info line 999\n.*Z error last words");
}

TEST_F(LogProgramTest, TheLastWordsBeforeAnAbortComeOut) {
  const auto program = [](bool by_a_signal) {
    speak();
    if (by_a_signal) ::kill(::getpid(), SIGABRT);
    std::abort();
  };
  EXPECT_EXIT(program(false), testing::KilledBySignal(SIGABRT), "Z info line 999\n.*Z error last words");
  EXPECT_EXIT(program(true), testing::KilledBySignal(SIGABRT), "Z info line 999\n.*Z error last words");
}

constinit log::Limited floods("floods of a test");

TEST_F(ProgramLogTest, ManyLinesOfAKindBecomeAFewAndTheNumberOfTheOthers) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "log";
  ASSERT_TRUE(log::configure(log::Level::kInfo, path).has_value());
  const std::uint64_t before = log::suppressed();
  const MonotonicTime start = Clock::system().monotonic();
  const auto admitted = [](MonotonicTime when, int lines) {
    int count = 0;
    for (int i = 0; i < lines; ++i) count += floods.admit_at(when, spdlog::level::info) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(admitted(start, 1000), log::Limited::kMost);
  EXPECT_EQ(admitted(start + 9s, 10), 0);
  log::tell_suppressed(start + 9s);
  EXPECT_EQ(log::suppressed() - before, 990U);
  log::flush();
  EXPECT_EQ(contents_of(path), "") << "the period is not over";

  EXPECT_EQ(admitted(start + 12s, 1000), log::Limited::kMost);
  log::flush();
  EXPECT_TRUE(contents_of(path).ends_with("Z info floods of a test: and 990 more in the last 12 s\n"));

  log::tell_suppressed(start + 22s);
  log::tell_suppressed(start + 30s);
  log::flush();
  EXPECT_TRUE(contents_of(path).ends_with("Z info floods of a test: and 980 more in the last 10 s\n"));
  EXPECT_EQ(lines_in(contents_of(path)), 2U);
}

}  // namespace
}  // namespace gatehouse
