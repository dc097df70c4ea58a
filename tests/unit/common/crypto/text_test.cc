#include "common/text.h"

#include <cerrno>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/random.h"
#include "common/result.h"

namespace gatehouse {
namespace {

TEST(TextTest, CaseIsThatOfAsciiOnly) {
  EXPECT_TRUE(text::iequals("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(text::iequals("abc", "abcd"));
  EXPECT_FALSE(text::iequals("\xC4", "\xE4"));
  EXPECT_FALSE(text::iequals("[", "{")) << "a bit apart, but no letters";
  EXPECT_TRUE(text::iequals("", ""));
  EXPECT_EQ(text::lower("ABC-xyz \xC4@["), "abc-xyz \xC4@[");
}

TEST(TextTest, TrimTakesSpacesAndTabsOnly) {
  EXPECT_EQ(text::trim(" \t a b\t "), "a b");
  EXPECT_EQ(text::trim(" \t "), "");
  EXPECT_EQ(text::trim("\na\r"), "\na\r");
}

TEST(TextTest, DecimalsAreDigitsOnlyWithoutOverflow) {
  EXPECT_EQ(text::parse_decimal("0"), 0U);
  EXPECT_EQ(text::parse_decimal("0042"), 42U);
  EXPECT_EQ(text::parse_decimal("18446744073709551615"), 18446744073709551615U);
  for (const char* wrong : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1x", "0x1", "1e3"}) {
    EXPECT_FALSE(text::parse_decimal(wrong).has_value()) << wrong;
  }
}

TEST(TextTest, HtmlIsEscaped) {
  EXPECT_EQ(text::html_escaped("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

std::string json(std::string_view value) {
  std::string out = "before ";
  text::append_json_string(out, value);
  return out.substr(7);
}

TEST(TextTest, JsonStringsAreQuotedAndEscaped) {
  EXPECT_EQ(json(""), R"("")");
  EXPECT_EQ(json("say \"hi\" \\ now"), R"("say \"hi\" \\ now")");
  EXPECT_EQ(json(std::string_view("\n\r\t\x01\0\x7F", 6)), R"("\n\r\t\u0001\u0000\u007f")");
  EXPECT_EQ(json("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST(TextTest, JsonStringsAreAlwaysValidUtf8) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(json("a\xFFz"), "\"a" + replacement + "z\"");
  EXPECT_EQ(json("\xC3"), "\"" + replacement + "\"");                    // cut off
  EXPECT_EQ(json("\xE2\x82"), "\"" + replacement + replacement + "\"");  // cut off
  EXPECT_EQ(json("\xC0\xAF"), "\"" + replacement + replacement + "\"");  // overlong
  EXPECT_EQ(json("\xE0\x80\xAF"), "\"" + replacement + replacement + replacement + "\"");
  EXPECT_EQ(json("\xED\xA0\x80"), "\"" + replacement + replacement + replacement + "\"");  // a surrogate
  EXPECT_EQ(json("\xF4\x90\x80\x80").size(), 2 + 4 * replacement.size());                  // beyond U+10FFFF
  EXPECT_EQ(json("\xC3\"x"), "\"" + replacement + "\\\"x\"") << "what follows is looked at again";
}

TEST(TextTest, Base64HasThePaddingOfRfc4648) {
  EXPECT_EQ(text::base64(""), "");
  EXPECT_EQ(text::base64("f"), "Zg==");
  EXPECT_EQ(text::base64("fo"), "Zm8=");
  EXPECT_EQ(text::base64("foo"), "Zm9v");
  EXPECT_EQ(text::base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(text::base64("\xFF\xFE\xFD\xFB"), "//79+w==");
}

TEST(TextTest, HexIsLowerCase) {
  EXPECT_EQ(text::hex(std::string_view("\x00\xFFz", 3)), "00ff7a");
}

TEST(TextTest, EscapesAreAPercentSignAndTwoHexadecimalDigits) {
  EXPECT_EQ(text::hex_value('7'), 7);
  EXPECT_EQ(text::hex_value('a'), 10);
  EXPECT_EQ(text::hex_value('F'), 15);
  EXPECT_EQ(text::hex_value('g'), -1);
  EXPECT_EQ(text::escaped_byte("%2Fetc"), '/');
  EXPECT_EQ(text::escaped_byte("%ff"), 0xff);
  for (const char* none : {"", "%", "%2", "2F", "a%2F", "%2g", "%-1"}) EXPECT_EQ(text::escaped_byte(none), -1) << none;
}

TEST(TextTest, Fnv1aIsThatOfItsAuthors) {
  EXPECT_EQ(text::fnv1a(""), 0xcbf29ce484222325U);
  EXPECT_EQ(text::fnv1a("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(text::fnv1a("foobar"), 0x85944171f73967e8U);
}

TEST(TextTest, AListGrowsItemByItem) {
  std::string list;
  text::add_to_list(list, "a");
  text::add_to_list(list, "b");
  text::add_to_list(list, "c", " ");
  EXPECT_EQ(list, "a, b c");
}

TEST(TextTest, WordsAreJoinedWithWhatComesBetweenThem) {
  EXPECT_EQ(text::joined({}, ", "), "");
  const std::vector<std::string> words = {"", "a", "b"};
  EXPECT_EQ(text::joined(words, ", "), ", a, b");
  EXPECT_EQ(text::joined(std::span(words).last(1), ", "), "b");
}

TEST(TextTest, TheNearestWordIsSuggestedIfItIsNearEnough) {
  const std::vector<std::string_view> words = {"listeners", "upstreams", "timeout", "log"};
  EXPECT_EQ(text::nearest("listener", words), "listeners");
  EXPECT_EQ(text::nearest("lsiteners", words), "listeners");
  EXPECT_EQ(text::nearest("timeouts", words), "timeout");
  EXPECT_EQ(text::nearest("lgo", words), "log");
  EXPECT_EQ(text::nearest("timeout", words), "timeout");
  EXPECT_EQ(text::nearest("zebra", words), "");
  EXPECT_EQ(text::nearest("x", words), "");
  EXPECT_EQ(text::nearest("", words), "");
  EXPECT_EQ(text::nearest("listener", {}), "");
}

TEST(ResultTest, ASystemFailureSaysWhatAndWhyAndKeepsTheCode) {
  const Result<int> result = system_failure("cannot open /etc/x", ENOENT);
  EXPECT_EQ(result.error().message, "cannot open /etc/x: No such file or directory");
  EXPECT_EQ(result.error().code, ENOENT);
}

TEST(RandomTest, BelowCoversItsRangeAndNoMore) {
  std::vector<int> hits(7);
  for (int i = 0; i < 7000; ++i) {
    const std::uint64_t value = random::below(7);
    ASSERT_LT(value, 7U);
    ++hits[value];
  }
  for (const int count : hits) EXPECT_GT(count, 700);
  EXPECT_EQ(random::below(1), 0U);
}

TEST(RandomTest, DrawsDiffer) {
  EXPECT_NE(random::fast(), random::fast());
  std::uint8_t one[32] = {};
  std::uint8_t two[32] = {};
  random::fill_secure(one);
  random::fill_secure(two);
  EXPECT_FALSE(std::equal(std::begin(one), std::end(one), std::begin(two)));
  random::fill_secure({});
}

}  // namespace
}  // namespace gatehouse
