// Dates in fields, in the forms that there have been.
#include "proxy/http/date.h"

#include <chrono>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

const WallTime kTime = WallTime(std::chrono::seconds(784111777));

TEST(HttpDate, IsReadInAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kTime);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kTime);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kTime);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), kTime + std::chrono::days(10));
}

TEST(HttpDate, IsReadInAnyCaseOfItsLetters) {
  EXPECT_EQ(parse_http_date("SUN, 06 NOV 1994 08:49:37 gmt"), kTime);
  EXPECT_EQ(parse_http_date("sunday, 06-nov-94 08:49:37 Gmt"), kTime);
  EXPECT_EQ(parse_http_date("sun nOV  6 08:49:37 1994"), kTime);
}

TEST(HttpDate, IsReadAsItIsWritten) {
  for (const std::int64_t seconds : {0LL, 784111777LL, 951782400LL, 4102444799LL}) {
    const WallTime time{std::chrono::seconds(seconds)};
    EXPECT_EQ(parse_http_date(http_date(time)), time) << seconds;
  }
}

TEST(HttpDate, OfTwoDigitsIsOfTheNearerCentury) {
  EXPECT_EQ(parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT"), WallTime());
  EXPECT_EQ(parse_http_date("Tuesday, 01-Jan-30 00:00:00 GMT"), parse_http_date("Tue, 01 Jan 2030 00:00:00 GMT"));
}

TEST(HttpDate, IsNoneOtherwise) {
  for (const char* text :
       {"", "Sun", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1995 08:49:37 GMT", "Sun, 06 Nix 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 0\xff Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(HttpDate, BeyondTheClockIsAsFarAsTheClockGoes) {
  EXPECT_GT(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), kTime);
  EXPECT_LT(parse_http_date("Fri, 31 Dec 0001 23:59:59 GMT"), WallTime());
}

}  // namespace
}  // namespace gatehouse
