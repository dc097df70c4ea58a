// The line of the access log that people read: short, coloured where it may be, and harmless whatever a client sent.
#include "proxy/observe/short_line.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const WallTime kTime{std::chrono::sys_days{std::chrono::March / 1 / 2026} + 8h + 5min + 9s + 123ms};

AccessRecord record_of(std::string_view path, std::uint16_t status) {
  return {.time = kTime, .protocol = Protocol::kH2, .method = "GET", .path = path, .status = status, .duration = 12ms};
}

class ShortLineTest : public ::testing::Test {
 protected:
  ShortLineTest() { set_zone("UTC"); }
  ~ShortLineTest() override {
    unsetenv("TZ");
    tzset();
  }
  static void set_zone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  static std::string line_of(const AccessRecord& record, LineStyle style = {}) {
    style.format = AccessLogFormat::kShort;
    std::string line;
    log_text::LogTime times;
    append_line(line, record, style, times);
    return line;
  }
  // How many places a line of ASCII and ellipses takes, without its end.
  static std::size_t width(const std::string& line) {
    return static_cast<std::size_t>(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; })) - 1;
  }
};

TEST_F(ShortLineTest, SaysWhenWhatAndHowItEnded) {
  AccessRecord record = record_of("/api/orders", 200);
  record.query = "x=1";
  EXPECT_EQ(line_of(record), "08:05:09 200   12 ms h2 GET /api/orders?x=1\n");
  record = record_of("/", 502);
  record.protocol = Protocol::kH10;
  record.duration = 410us;
  record.fault = "connect_refused";
  record.error = "ECONNREFUSED";
  EXPECT_EQ(line_of(record), "08:05:09 502 0.41 ms h1.0 GET / connect_refused ECONNREFUSED\n");
}

TEST_F(ShortLineTest, SaysWhatIsNotKnown) {
  EXPECT_EQ(line_of({.time = kTime}), "08:05:09 --- 0.00 ms h1 - -\n");
}

TEST_F(ShortLineTest, DurationsTakeTheSameRoom) {
  AccessRecord record = record_of("/", 200);
  for (const auto& [duration, text] : {std::pair<Duration, std::string>{-1ms, " 0.00 ms h2"},
                                       {9990us, " 9.99 ms h2"},
                                       {999ms, "  999 ms h2"},
                                       {1500ms, "  1.50 s h2"},
                                       {10min, "   600 s h2"}}) {
    record.duration = duration;
    EXPECT_EQ(line_of(record), "08:05:09 200" + text + " GET /\n");
  }
}

TEST_F(ShortLineTest, TheTimeIsThatOfThePlace) {
  set_zone("XST-2");
  EXPECT_EQ(line_of(record_of("/", 200)), "10:05:09 200   12 ms h2 GET /\n");
}

TEST_F(ShortLineTest, TheStatusHasAColour) {
  const auto colour_of = [](std::uint16_t status) {
    const std::string line = line_of(record_of("/", status), {.colours = true});
    const std::size_t at = line.find(status == 0 ? "---" : std::to_string(status));
    return line.substr(line.rfind('\x1b', at) + 1, at - line.rfind('\x1b', at) - 1);
  };
  EXPECT_EQ(colour_of(200), "[32m");
  EXPECT_EQ(colour_of(308), "[36m");
  EXPECT_EQ(colour_of(404), "[33m");
  EXPECT_EQ(colour_of(502), "[31m");
  EXPECT_EQ(colour_of(0), "[31m");
  EXPECT_THAT(line_of(record_of("/", 502)), Not(HasSubstr("\x1b")));
}

TEST_F(ShortLineTest, IsNeverWiderThanTheTerminal) {
  const std::string path = "/" + std::string(8000, 'a');
  const std::string hostile(8000, '\x1b');
  for (const std::size_t columns : {0U, 60U, 80U, 200U}) {
    const std::size_t most = columns == 0 ? 120 : columns;
    AccessRecord record = record_of(path, 200);
    EXPECT_EQ(width(line_of(record, {.columns = columns})), most);
    EXPECT_THAT(line_of(record, {.columns = columns}), EndsWith("aa…\n"));
    record.fault = "connect_refused";
    EXPECT_EQ(width(line_of(record, {.columns = columns})), most);
    EXPECT_THAT(line_of(record, {.columns = columns}), EndsWith("… connect_refused\n"));
    const std::string fault(300, 'f');
    record.fault = fault;
    record.method = record.path = record.query = hostile;
    EXPECT_EQ(width(line_of(record, {.columns = columns})), most);
  }
}

TEST_F(ShortLineTest, WhatFitsIsNotCut) {
  const std::string whole = line_of(record_of("/" + std::string(55, 'a'), 200), {.columns = 84});
  EXPECT_EQ(width(whole), 84U);
  EXPECT_THAT(whole, EndsWith("aaa\n"));
  EXPECT_THAT(line_of(record_of("/" + std::string(56, 'a'), 200), {.columns = 84}), EndsWith("aa…\n"));
}

TEST_F(ShortLineTest, NothingThatAClientSentReachesTheTerminalRaw) {
  AccessRecord record = record_of("/\x1b[2J\r\n\t\x07\x7f\xc2\x9b", 200);
  record.method = "G\x1b[T";
  record.query = "a=\u202eevil\u2066\u200b\u061c&b=\xff\u2028";
  const std::string line = line_of(record, {.columns = 200});
  EXPECT_TRUE(std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= ' ' && c < '\x7f'; })) << line;
  EXPECT_THAT(line, HasSubstr(R"(G\x1b[T /\x1b[2J\x0d\x0a)"));
  EXPECT_THAT(line, HasSubstr(R"(\xe2\x80\xaeevil)"));
}

}  // namespace
}  // namespace gatehouse
