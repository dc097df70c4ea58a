// The writer behind the access log: lines arrive whole and in order, and a sink that is slow, full or gone costs lines,
// which are counted, and never time.
#include "proxy/observe/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "proxy/observe/access_log_buffer.h"
#include "tests/support/temporary_folder.h"

namespace gatehouse {
namespace {

using testing_support::contents_of;
using testing_support::TemporaryFolder;

std::shared_ptr<AccessLogSink> sink_at(const std::string& path, AccessLogFormat format = AccessLogFormat::kJson) {
  auto sink = AccessLogSink::open(path, format);
  EXPECT_TRUE(sink.has_value());
  return sink ? *sink : nullptr;
}

void write(AccessLog& log, const std::shared_ptr<AccessLogSink>& sink, std::string text, std::size_t lines = 1) {
  log.hand_over(sink, text, lines);
  EXPECT_TRUE(text.empty());
}

TEST(AccessLogTest, LinesArriveInOrder) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "access.log";
  {
    AccessLog log;
    const auto sink = sink_at(path);
    for (int i = 0; i < 1000; ++i) write(log, sink, "line " + std::to_string(i) + "\n");
    log.flush();
    EXPECT_EQ(log.written() + log.dropped(), 1000U);
  }
  const std::string text = contents_of(path);
  EXPECT_TRUE(text.starts_with("line 0\nline 1\nline 2\n"));
}

TEST(AccessLogTest, WhatWaitsIsWrittenAtTheEnd) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "access.log";
  {
    AccessLog log;
    write(log, sink_at(path), "last words\n");
  }
  EXPECT_EQ(contents_of(path), "last words\n");
}

TEST(AccessLogTest, AnOldFileIsContinued) {
  const TemporaryFolder folder;
  const std::string path = folder.write("access.log", "before\n");
  AccessLog log;
  write(log, sink_at(path), "after\n");
  log.flush();
  EXPECT_EQ(contents_of(path), "before\nafter\n");
}

TEST(AccessLogTest, ARotatedFileIsMadeAgainAfterReopening) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "access.log";
  AccessLog log;
  const auto sink = sink_at(path, AccessLogFormat::kW3c);
  write(log, sink, "1\n");
  log.flush();
  std::filesystem::rename(path, path + ".1");
  write(log, sink, "2\n");
  log.flush();
  sink->reopen_soon();
  write(log, sink, "3\n");
  log.flush();
  EXPECT_EQ(contents_of(path + ".1"), w3c_directives() + "1\n2\n");
  EXPECT_EQ(contents_of(path), w3c_directives() + "3\n") << "every W3C file says what its fields are";
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLogTest, AFileThatCannotBeOpenedIsAnError) {
  const auto sink = AccessLogSink::open("/nonexistent/access.log", AccessLogFormat::kJson);
  ASSERT_FALSE(sink.has_value());
  EXPECT_NE(sink.error().message.find("/nonexistent/access.log"), std::string::npos);
}

TEST(AccessLogTest, AFullDiskCostsLinesThatAreCounted) {
  AccessLog log;
  const auto sink = sink_at("/dev/full");
  write(log, sink, "a\nb\nc\n", 3);
  log.flush();
  EXPECT_EQ(log.written(), 0U);
  EXPECT_EQ(log.dropped(), 3U);
}

TEST(AccessLogTest, ASinkThatNobodyReadsDropsAndHoldsNobodyUp) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const Fd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  const std::string block(AccessLog::kBlockSize - 1, 'x');
  std::size_t handed = 0;
  {
    AccessLog log(4 * AccessLog::kBlockSize);
    const auto sink = sink_at(path);
    // The pipe takes one block or so; what it does not take waits, and beyond four waiting blocks lines are lost.
    while (log.dropped() == 0 && handed < 100) {
      write(log, sink, block + '\n');
      ++handed;
    }
    EXPECT_GT(log.dropped(), 0U);
    EXPECT_LT(handed, 100U);
  }
  // The end did not wait for the reader either.
}

TEST(AccessLogTest, ASlowReaderGetsEveryLineThatWasNotDropped) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const Fd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  AccessLog log;
  const auto sink = sink_at(path);
  constexpr int kLines = 20'000;
  for (int i = 0; i < 20; ++i) {
    std::string text;
    for (int j = 0; j < kLines / 20; ++j) text += "a line of the log, number " + std::to_string(i) + "\n";
    write(log, sink, text, kLines / 20);
  }
  ASSERT_EQ(fcntl(reader.get(), F_SETFL, 0), 0);
  std::size_t lines = 0;
  std::array<char, 4096> piece{};
  while (lines < kLines) {
    const ssize_t count = read(reader.get(), piece.data(), piece.size());
    ASSERT_GT(count, 0);
    for (ssize_t i = 0; i < count; ++i) lines += piece[static_cast<std::size_t>(i)] == '\n' ? 1 : 0;
  }
  log.flush();
  EXPECT_EQ(log.written(), static_cast<std::uint64_t>(kLines));
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AccessLogTest, LinesForAnOldSinkStillGoThere) {
  const TemporaryFolder folder;
  const std::string before = folder.path() / "before.log";
  const std::string after = folder.path() / "after.log";
  {
    AccessLog log;
    auto sink = sink_at(before);
    write(log, sink, "before\n");
    sink = sink_at(after);
    write(log, sink, "after\n");
  }
  EXPECT_EQ(contents_of(before), "before\n");
  EXPECT_EQ(contents_of(after), "after\n");
}

}  // namespace
}  // namespace gatehouse
