// Nothing that a client sends can break a log line, and times read as log readers expect.
#include "proxy/observe/log_text.h"

#include <chrono>
#include <cstdint>
#include <format>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace gatehouse::log_text {
namespace {

using namespace std::string_view_literals;
using namespace std::chrono_literals;

// What write(LineWriter&) puts into a line.
template <class Write>
std::string line_of(const Write& write) {
  std::string line;
  {
    LineWriter writer(line);
    write(writer);
  }
  return line;
}

std::string escaped(std::string_view text, Style style) {
  return line_of([&](LineWriter& line) { line.put_escaped(text, style); });
}

std::string milliseconds(Duration duration) {
  return line_of([&](LineWriter& line) { line.put_milliseconds(duration); });
}

std::string number(std::uint64_t number) {
  return line_of([&](LineWriter& line) { line.put_number(number); });
}

TEST(LogTextTest, EveryByteThatCouldBreakALineIsEscapedInEveryStyle) {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    for (const Style style : {Style::kJson, Style::kQuoted, Style::kWord}) {
      const std::string line = escaped(std::string_view(&byte, 1), style);
      const bool harmless = value > 0x20 && value < 0x7F && byte != '"' && byte != '\\';
      if (harmless) {
        EXPECT_EQ(line, std::string(1, byte));
        continue;
      }
      for (const char c : line) {
        const auto out = static_cast<unsigned char>(c);
        EXPECT_TRUE(out >= 0x20 && out != 0x7F) << value;
      }
      if (style != Style::kJson) {
        EXPECT_EQ(line.find('"'), std::string::npos) << value;
      }
      if (style == Style::kWord) {
        EXPECT_EQ(line.find(' '), std::string::npos) << value;
      }
    }
  }
}

TEST(LogTextTest, StylesWriteEscapesInTheirOwnWay) {
  constexpr std::string_view kHostile = "a\r\n\x1b\"\\ \0z\x7f"sv;
  EXPECT_EQ(escaped(kHostile, Style::kJson), R"(a\u000d\u000a\u001b\"\\ \u0000z\u007f)");
  EXPECT_EQ(escaped(kHostile, Style::kQuoted), R"(a\x0d\x0a\x1b\x22\x5c \x00z\x7f)");
  EXPECT_EQ(escaped(kHostile, Style::kWord), R"(a\x0d\x0a\x1b\x22\x5c+\x00z\x7f)");
}

TEST(LogTextTest, WhatIsOddIsEscapedWhereverItStands) {
  struct Odd {
    std::string_view text;
    std::string_view json;
    std::string_view word;
  };
  for (const auto& [odd, json, word] :
       {Odd{"\"", "\\\"", "\\x22"}, Odd{"\x1f", "\\u001f", "\\x1f"}, Odd{"\x7f", "\\u007f", "\\x7f"},
        Odd{" ", " ", "+"}, Odd{"\xff", "\xEF\xBF\xBD", "\\xff"}, Odd{"ž", "ž", "ž"}}) {
    for (std::size_t before = 0; before < 40; ++before) {
      for (std::size_t behind = 0; behind < 20; ++behind) {
        const std::string first(before, '!');
        const std::string last(behind, '~');
        const std::string text = std::format("{}{}{}", first, odd, last);
        EXPECT_EQ(escaped(text, Style::kJson), std::format("{}{}{}", first, json, last));
        EXPECT_EQ(escaped(text, Style::kWord), std::format("{}{}{}", first, word, last));
      }
    }
  }
}

TEST(LogTextTest, ValidUtf8IsKept) {
  for (const Style style : {Style::kJson, Style::kQuoted, Style::kWord}) {
    EXPECT_EQ(escaped("žluťoučký€😀", style), "žluťoučký€😀");
  }
}

TEST(LogTextTest, OnATerminalNothingButAsciiIsKept) {
  EXPECT_EQ(escaped("a\\b ž\u202e\u2066\x1b\xff"sv, Style::kAscii),
            R"(a\x5cb \xc5\xbe\xe2\x80\xae\xe2\x81\xa6\x1b\xff)");
}

TEST(LogTextTest, InvalidUtf8NeverGetsThrough) {
  // overlong, surrogate, beyond U+10FFFF, lone continuation, cut short
  for (const std::string_view bad : {"\xC0\xAF"sv, "\xE0\x80\xAF"sv, "\xED\xA0\x80"sv, "\xF4\x90\x80\x80"sv, "\x80"sv,
                                     "\xFF"sv, "\xE2\x82"sv, "\xF0\x9F\x98"sv}) {
    const std::string json = escaped(bad, Style::kJson);
    std::string replacements;
    for (std::size_t i = 0; i < bad.size(); ++i) replacements += "\uFFFD";
    EXPECT_EQ(json, replacements);
    for (const char c : escaped(bad, Style::kQuoted)) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  }
}

TEST(LogTextTest, C1ControlsAreEscapedThoughTheyAreValid) {
  EXPECT_EQ(escaped("\xC2\x9B", Style::kJson), R"(\u009b)");
  EXPECT_EQ(escaped("\xC2\x9B", Style::kQuoted), R"(\xc2\x9b)");
}

TEST(LogTextTest, DurationsAreMillisecondsWithMicroseconds) {
  EXPECT_EQ(milliseconds(12'345'678ns), "12.345");
  EXPECT_EQ(milliseconds(7us), "0.007");
  EXPECT_EQ(milliseconds(-5ms), "0.000");
}

TEST(LogTextTest, NumbersHaveAllTheirDigits) {
  for (std::uint64_t power = 1; power < 10'000'000'000'000'000'000U; power *= 10) {
    for (const std::uint64_t near : {power - 1, power, power + 1}) EXPECT_EQ(number(near), std::to_string(near));
  }
  EXPECT_EQ(number(UINT64_MAX), "18446744073709551615");
}

TEST(LogTextTest, ALineIsWholeHoweverItsPartsFillThePieceOfTheWriter) {
  for (const std::size_t size : {1U, 2U, 3U, 7U, 1023U, 2047U, 2048U, 2049U, 10'000U}) {
    const std::string part(size, 'x');
    const std::string odd(size, '\x01');
    std::string escaped_odd;
    for (std::size_t i = 0; i < size; ++i) escaped_odd += "\\u0001";
    std::string expected = "before";
    std::string line = expected;
    {
      LineWriter writer(line);
      for (std::size_t put = 0; put < 5000; put += size) {
        writer.put(part);
        writer.put('|');
        writer.put_escaped(part, Style::kJson);
        writer.put_escaped(odd, Style::kJson);
        writer.put_escaped("\"\x01\xFFž", Style::kJson);
        writer.put_number(UINT64_MAX);
        writer.put_milliseconds(1ms);
        expected += std::format("{0}|{0}{1}{2}", part, escaped_odd, "\\\"\\u0001\uFFFDž184467440737095516151.000");
      }
    }
    EXPECT_EQ(line, expected);
  }
}

TEST(LogTextTest, TimesFollowTheSecondAndGoBackToo) {
  LogTime times;
  const WallTime time{std::chrono::sys_days{std::chrono::January / 31 / 2026} + 13h + 5min + 9s + 7ms};
  EXPECT_EQ(times.iso(time), "2026-01-31T13:05:09.007Z");
  EXPECT_EQ(times.combined(time + 1s), "31/Jan/2026:13:05:10 +0000");
  EXPECT_EQ(times.w3c(time - 24h), "2026-01-30 13:05:09");
}

TEST(LogTextTest, EveryMillisecondHasThreeDigitsBeforeTheEpochToo) {
  LogTime times;
  for (const auto& [time, text] : {std::pair<Duration, std::string>{0ms, "1970-01-01T00:00:00.000Z"},
                                   {-1ms, "1969-12-31T23:59:59.999Z"},
                                   {-1s, "1969-12-31T23:59:59.000Z"},
                                   {10ms, "1970-01-01T00:00:00.010Z"},
                                   {100ms, "1970-01-01T00:00:00.100Z"},
                                   {999999us, "1970-01-01T00:00:00.999Z"},
                                   {1s, "1970-01-01T00:00:01.000Z"}}) {
    EXPECT_EQ(times.iso(WallTime(std::chrono::duration_cast<WallTime::duration>(time))), text);
  }
}

}  // namespace
}  // namespace gatehouse::log_text
