#include "config/units.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/quoting.h"
#include "config/reading/expand.h"

namespace gatehouse::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsAreWholeNumbersWithAUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("10s").value(), 10s);
  EXPECT_EQ(parse_duration("2m").value(), 2min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("0s").value(), 0ms);
  EXPECT_EQ(parse_duration("8760h").value(), kMaxDuration);
}

TEST(Units, WhatIsNoDurationIsRefusedWithWhatWouldBeRight) {
  for (const std::string_view bad : {"", "s", "-1s", "1.5s", " 1s", "1 s", "1S", "1d", "1h30m", "0x1s", "1e3ms"}) {
    const auto result = parse_duration(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().message, in_quotes(bad) +
                                          " is no duration; write a whole number and ms, s, m or h, such as "
                                          "\"250ms\" or \"10s\"");
  }
  EXPECT_EQ(parse_duration("30").error().message, "\"30\" has no unit; write ms, s, m or h behind it, such as \"30s\"");
  for (const std::string_view long_one : {"8761h", "99999999999999999999ms", "18446744073709551615h"}) {
    EXPECT_EQ(parse_duration(long_one).error().message,
              in_quotes(long_one) + " is too long; the longest duration is 8760h");
  }
}

TEST(Units, DurationsAreWrittenInTheLargestUnitThatDividesThem) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(1ms), "1ms");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(24h), "24h");
}

TEST(Units, SizesAreBytesOrAWholeNumberWithAUnit) {
  EXPECT_EQ(parse_size("0").value(), 0U);
  EXPECT_EQ(parse_size("512").value(), 512U);
  EXPECT_EQ(parse_size("512B").value(), 512U);
  EXPECT_EQ(parse_size("64KiB").value(), 65'536U);
  EXPECT_EQ(parse_size("64kB").value(), 64'000U);
  EXPECT_EQ(parse_size("30MB").value(), 30'000'000U);
  EXPECT_EQ(parse_size("2GiB").value(), std::uint64_t{2} << 30U);
  EXPECT_EQ(parse_size("9223372036854775807").value(), 9'223'372'036'854'775'807U);
}

TEST(Units, WhatIsNoSizeIsRefused) {
  for (const std::string_view bad : {"", "KiB", "-1", "1.5MB", "64 KiB", "64kib", "1TB", "off", "+1"}) {
    const auto result = parse_size(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_TRUE(result.error().message.starts_with(in_quotes(bad) + " is no size")) << result.error().message;
  }
  for (const std::string_view large : {"9223372036854775808", "8589934592GiB", "99999999999999999999999"}) {
    EXPECT_EQ(parse_size(large).error().message, in_quotes(large) + " is too large");
  }
}

TEST(Units, SizesAreWrittenWithABinaryUnitIfItDividesThem) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(30'000'000), "30000000");
  EXPECT_EQ(format_size(1024), "1KiB");
  EXPECT_EQ(format_size(std::uint64_t{16} << 20U), "16MiB");
}

TEST(Quoting, KeepsADiagnosticOnOneLineAndReadable) {
  EXPECT_EQ(in_quotes("a\"b\\c\r\n\t\x01\x7F"), R"("a\"b\\c\r\n\t\u0001\u007F")");
  const std::string long_text(200, 'x');
  EXPECT_EQ(in_quotes(long_text), "\"" + std::string(80, 'x') + "\"...");
  EXPECT_EQ(toml_string(long_text), "\"" + long_text + "\"");
  // 79 bytes, then a character of two: it is left out whole.
  EXPECT_EQ(in_quotes(std::string(79, 'x') + "\u00e9 and more"), "\"" + std::string(79, 'x') + "\"...");
}

TEST(Quoting, WhatIsNotUtf8IsReplacedSoThatItParses) {
  EXPECT_EQ(toml_string("a\xFF"
                        "b\xC3"),
            "\"a\uFFFDb\uFFFD\"");
  EXPECT_EQ(toml_string("\u00e9\u20ac"), "\"\u00e9\u20ac\"");
}

TEST(Quoting, ListsAlternatives) {
  const std::string_view words[] = {"a", "b", "c"};
  EXPECT_EQ(one_of({words, 1}), R"("a")");
  EXPECT_EQ(one_of({words, 2}), R"("a" or "b")");
  EXPECT_EQ(one_of({words, 3}), R"("a", "b" or "c")");
}

// Variables of this test alone, so that nothing else of the process is changed.
class ExpandTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("GATEHOUSE_TEST_SET", "value", 1);
    ::setenv("GATEHOUSE_TEST_EMPTY", "", 1);
    ::setenv("GATEHOUSE_TEST_NESTED", "${GATEHOUSE_TEST_SET}$$", 1);
    ::unsetenv("GATEHOUSE_TEST_UNSET");
  }
  void TearDown() override {
    for (const char* const name : {"GATEHOUSE_TEST_SET", "GATEHOUSE_TEST_EMPTY", "GATEHOUSE_TEST_NESTED"})
      ::unsetenv(name);
  }
};

TEST(TimesOfTheDay, AreMinutesSinceMidnight) {
  EXPECT_EQ(parse_time_of_day("00:00").value(), std::chrono::minutes(0));
  EXPECT_EQ(parse_time_of_day("03:05").value(), std::chrono::minutes(185));
  EXPECT_EQ(parse_time_of_day("23:59").value(), std::chrono::minutes(1439));
  for (const std::string_view text : {"00:00", "03:05", "23:59"}) {
    EXPECT_EQ(format_time_of_day(parse_time_of_day(text).value()), text);
  }
  for (const std::string_view text :
       {"", "3:05", "03:5", "24:00", "12:60", "0a:00", "+1:00", "03:05:00", "03-05", "3 pm"}) {
    EXPECT_FALSE(parse_time_of_day(text)) << text;
  }
}

TEST(Rates, AreANumberAndAPeriod) {
  EXPECT_EQ(parse_rate("100/s").value(), (Rate{.count = 100, .period = std::chrono::seconds(1)}));
  EXPECT_EQ(parse_rate("5/m").value(), (Rate{.count = 5, .period = std::chrono::minutes(1)}));
  EXPECT_EQ(parse_rate("1/h").value(), (Rate{.count = 1, .period = std::chrono::hours(1)}));
  EXPECT_EQ(parse_rate("0/s").value().count, 0U);
  for (const std::string_view text : {"100/s", "5/m", "1/h"}) EXPECT_EQ(format_rate(parse_rate(text).value()), text);
  EXPECT_EQ(format_rate({}), "off");
}

TEST(Rates, MistakesAreSaid) {
  for (const std::string_view text : {"", "100", "100/", "/s", "100/ms", "100 /s", "-1/s", "1.5/s", "100/s ", "100s"}) {
    EXPECT_EQ(
        parse_rate(text).error().message,
        in_quotes(text) + " is no rate; write a whole number, a slash and s, m or h, such as \"100/s\", or \"off\"");
  }
  EXPECT_EQ(parse_rate("99999999999/s").error().message,
            "\"99999999999/s\" is too much; the highest rate is 1000000/s");
}

TEST_F(ExpandTest, VariablesAreReplacedAndWhatTheyHoldIsNotExpandedAgain) {
  EXPECT_EQ(expand("").value(), "");
  EXPECT_EQ(expand("plain").value(), "plain");
  EXPECT_EQ(expand("${GATEHOUSE_TEST_SET}").value(), "value");
  EXPECT_EQ(expand("<${GATEHOUSE_TEST_SET}|${GATEHOUSE_TEST_SET}>").value(), "<value|value>");
  EXPECT_EQ(expand("[${GATEHOUSE_TEST_EMPTY}]").value(), "[]");
  EXPECT_EQ(expand("${GATEHOUSE_TEST_NESTED}").value(), "${GATEHOUSE_TEST_SET}$$");
}

TEST_F(ExpandTest, DefaultsHoldForUnsetAndEmptyVariables) {
  EXPECT_EQ(expand("${GATEHOUSE_TEST_SET:-other}").value(), "value");
  EXPECT_EQ(expand("${GATEHOUSE_TEST_UNSET:-other}").value(), "other");
  EXPECT_EQ(expand("${GATEHOUSE_TEST_EMPTY:-other}").value(), "other");
  EXPECT_EQ(expand("${GATEHOUSE_TEST_UNSET:-}").value(), "");
  EXPECT_EQ(expand("${GATEHOUSE_TEST_UNSET:-a:-b}").value(), "a:-b");
}

TEST_F(ExpandTest, DollarsThatOpenNothingStay) {
  EXPECT_EQ(expand("$").value(), "$");
  EXPECT_EQ(expand("costs $5, or $x").value(), "costs $5, or $x");
  EXPECT_EQ(expand("$$").value(), "$");
  EXPECT_EQ(expand("$${GATEHOUSE_TEST_SET}").value(), "${GATEHOUSE_TEST_SET}");
  EXPECT_EQ(expand("$$$").value(), "$$");
  EXPECT_EQ(expand("}{").value(), "}{");
}

TEST_F(ExpandTest, MistakesAreSaid) {
  EXPECT_EQ(expand("${GATEHOUSE_TEST_UNSET}").error().message,
            "the environment variable GATEHOUSE_TEST_UNSET is not set; ${GATEHOUSE_TEST_UNSET:-default} would give it "
            "a default");
  EXPECT_EQ(expand("a${B").error().message, "\"${\" without a closing \"}\"; write $$ for a literal $");
  for (const std::string_view name : {"", "1A", "A B", "A-B", "\u00e9"}) {
    EXPECT_EQ(expand("${" + std::string(name) + "}").error().message,
              in_quotes(name) + " is no name of an environment variable; write $$ for a literal $");
  }
}

}  // namespace
}  // namespace gatehouse::config
