// What clients put into a query though it is secret is not logged, however its name is spelt.
#include "proxy/observe/redaction.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/config.h"

namespace gatehouse {
namespace {

const Redaction& usual() {
  static const Redaction redaction(config::Log().redact);
  return redaction;
}

std::string query(const std::string& text) {
  std::string room;
  return std::string(usual().query(text, room));
}

std::string url(const std::string& text) {
  std::string room;
  return std::string(usual().url(text, room));
}

TEST(RedactionTest, ValuesOfSecretNamesAreLeftOut) {
  struct Row {
    std::string before;
    std::string after;
  };
  const std::vector<Row> rows = {
      {"a=1&token=s3cret&b=2", "a=1&token=***&b=2"},
      {"token=s3cret", "token=***"},
      {"TOKEN=s3cret&Password=x", "TOKEN=***&Password=***"},
      {"access_token=s&refresh-token=t&id.token=u", "access_token=***&refresh-token=***&id.token=***"},
      {"accessToken=s&apiKey=t&user[password]=u&keys[]=v", "accessToken=***&apiKey=***&user[password]=***&keys[]=v"},
      {"tokens[token][]=s", "tokens[token][]=***"},
      {"X-Amz-Signature=abc&X-Amz-Date=now", "X-Amz-Signature=***&X-Amz-Date=now"},
      {"X-Amz-Security-Token=abc&X-Amz-Credential=me", "X-Amz-Security-Token=***&X-Amz-Credential=***"},
      {"sv=2020&sig=a%2Bb%3D&se=x", "sv=2020&sig=***&se=x"},
      {"code=4/P7q&state=x", "code=***&state=x"},
      {"%74oken=s&to%6Ben=t&t%6F%6b%45n=u", "%74oken=***&to%6Ben=***&t%6F%6b%45n=***"},
      {"to+token=s&a%20token%20=s", "to+token=***&a%20token%20=***"},
      {"token=a=b=c&x=1", "token=***&x=1"},
      {"token=a;b;c&x=1", "token=***&x=1"},
      {"a=1;token=s", "a=1;token=***"},
      {"a=1;token=s;b=2", "a=1;token=***"},
      {"token=s&token=t&token", "token=***&token=***&token"},
      {"token=&x=1", "token=&x=1"},
      {"next=%2Fin%3Fcode%3Ds3cret%26state%3Dx&y=1", "next=%2Fin%3Fcode%3D***%26state%3Dx&y=1"},
      {"next=/in?token=s3cret&y=1", "next=/in?token=***&y=1"},
      {"next=https%3A%2F%2Fx%2F%3fa%3D1%26password=s&y=1", "next=https%3A%2F%2Fx%2F%3fa%3D1%26password=***&y=1"},
      {"?token=s", "?token=***"},
      {std::string(500, 'x') + "_token=s", std::string(500, 'x') + "_token=***"},
      {std::string(500, '%') + "_token=s", std::string(500, '%') + "_token=***"},
  };
  for (const Row& row : rows) EXPECT_EQ(query(row.before), row.after);
}

TEST(RedactionTest, OtherTextsStayAsTheyAre) {
  for (const char* const text : {"",
                                 "a",
                                 "&&&",
                                 "===",
                                 "zipcode=8000",
                                 "encode=1",
                                 "tokenizer=x",
                                 "mapkeys=1",
                                 "monkey=banana",
                                 "a=token",
                                 "q=code",
                                 "passport=x",
                                 "%",
                                 "%=%",
                                 "%2",
                                 "a=%3",
                                 "design=1",
                                 "tokenA=1",
                                 "utm_source=x&page=2",
                                 "donkey=1&decode=2"}) {
    std::string room;
    const std::string_view before = text;
    const std::string_view after = usual().query(before, room);
    EXPECT_EQ(after, before);
    EXPECT_EQ(after.data(), before.data()) << "no copy of " << text;
  }
}

TEST(RedactionTest, AUrlLosesWhoAsksAndItsSecrets) {
  EXPECT_EQ(url("https://ann:s3cret@example.com/a?b=1"), "https://***@example.com/a?b=1");
  EXPECT_EQ(url("https://ann@example.com/"), "https://***@example.com/");
  EXPECT_EQ(url("https://a:b@c@example.com"), "https://***@example.com");
  EXPECT_EQ(url("//ann:s3cret@example.com/a"), "//***@example.com/a");
  EXPECT_EQ(url("https://example.com/@ann?token=s&x=1"), "https://example.com/@ann?token=***&x=1");
  EXPECT_EQ(url("https://example.com/#access_token=s&x=1"), "https://example.com/#access_token=***&x=1");
  EXPECT_EQ(url("https://example.com/?a=1#token=s"), "https://example.com/?a=1#token=***");
  EXPECT_EQ(url("https://ann:x@example.com/?token=s"), "https://***@example.com/?token=***");
  EXPECT_EQ(url("/a?password=s"), "/a?password=***");
  EXPECT_EQ(url("/a?next=//b@c&token=s"), "/a?next=//b@c&token=***");
  EXPECT_EQ(url("/a//b@c?token=s"), "/a//b@c?token=***");
  EXPECT_EQ(url("ann@example.com"), "ann@example.com");
  EXPECT_EQ(url("https://example.com/a"), "https://example.com/a");
  EXPECT_EQ(url(""), "");
}

TEST(RedactionTest, NoWordsLeaveOnlyTheUserOut) {
  const Redaction none;
  std::string room;
  EXPECT_EQ(none.query("token=s", room), "token=s");
  EXPECT_EQ(none.url("https://a:b@example.com/?token=s", room), "https://***@example.com/?token=s");
}

TEST(RedactionTest, MemoryIsUsedAgain) {
  std::string room;
  usual().query(std::string(100, 'x') + "&token=s", room);
  const char* const memory = room.data();
  usual().query("token=s", room);
  EXPECT_EQ(room, "token=***");
  EXPECT_EQ(room.data(), memory);
}

}  // namespace
}  // namespace gatehouse
