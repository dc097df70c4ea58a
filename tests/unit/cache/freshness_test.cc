// What may be stored, and for how long: the cases of the public http-cache test suite about freshness, as a table.
#include "proxy/cache/freshness.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/http/date.h"

namespace gatehouse::cache {
namespace {

using namespace std::chrono_literals;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
const WallTime kNow = parse_http_date(kDate).value();

ResponseHead response(const Fields& fields, std::uint16_t status = 200) {
  ResponseHead head{.status = status};
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

RequestHead get(const Fields& fields = {}) {
  RequestHead head{.method = "GET", .target = "/"};
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

struct Case {
  std::string_view name;
  Fields fields;
  // Nothing: it is not stored.
  std::optional<Duration> lifetime;
};

TEST(FreshnessTest, TheHeadSaysWhetherAndForHowLong) {
  const std::string date(kDate);
  const std::vector<Case> cases = {
      {"max-age", {{"Cache-Control", "max-age=60"}}, 60s},
      {"s-maxage wins", {{"Cache-Control", "max-age=60, s-maxage=30"}}, 30s},
      {"max-age wins over Expires", {{"Cache-Control", "max-age=60"}, {"Expires", date}}, 60s},
      {"Expires from Date", {{"Date", date}, {"Expires", "Sun, 06 Nov 1994 09:49:37 GMT"}}, 1h},
      {"Expires from now", {{"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}}, 60s},
      {"Expires in the form of RFC 850", {{"Expires", "Sunday, 06-Nov-94 08:50:37 GMT"}}, 60s},
      {"Expires in the form of asctime", {{"Expires", "Sun Nov  6 08:50:37 1994"}}, 60s},
      {"Expires in other letters", {{"Expires", "SUN, 06 NOV 1994 08:50:37 gMT"}}, 60s},
      {"Expires that is no date", {{"Expires", "0"}}, std::nullopt},
      {"Expires in the past", {{"Expires", "Sun, 06 Nov 1994 08:49:36 GMT"}}, std::nullopt},
      {"nothing said", {}, std::nullopt},
      {"Last-Modified alone", {{"Last-Modified", "Sun, 06 Nov 1983 08:49:37 GMT"}}, std::nullopt},
      {"max-age=0", {{"Cache-Control", "max-age=0"}}, std::nullopt},
      {"max-age=0 with a validator", {{"Cache-Control", "max-age=0"}, {"ETag", "\"v\""}}, 0s},
      {"max-age of letters", {{"Cache-Control", "max-age=abc"}}, std::nullopt},
      {"max-age with a fraction", {{"Cache-Control", "max-age=60.5"}}, std::nullopt},
      {"max-age below zero", {{"Cache-Control", "max-age=-1"}}, std::nullopt},
      {"max-age in quotes", {{"Cache-Control", "max-age=\"60\""}}, 60s},
      {"max-age beyond all measure", {{"Cache-Control", "max-age=99999999999999999999"}}, 2'147'483'648s},
      {"max-age twice", {{"Cache-Control", "max-age=60, max-age=3600"}}, 60s},
      {"two fields", {{"Cache-Control", "public"}, {"Cache-Control", "max-age=60"}}, 60s},
      {"case of letters", {{"cache-control", "MaX-aGe=60"}}, 60s},
      {"unknown directives", {{"Cache-Control", "a, b=c, max-age=60, d=\"max-age=1, no-store\""}}, 60s},
      {"no-store", {{"Cache-Control", "max-age=60, no-store"}}, std::nullopt},
      {"private", {{"Cache-Control", "max-age=60, private"}}, std::nullopt},
      {"private for a field", {{"Cache-Control", "max-age=60, private=\"x\""}}, std::nullopt},
      {"no-cache without a validator", {{"Cache-Control", "max-age=60, no-cache"}}, std::nullopt},
      {"no-cache with a validator", {{"Cache-Control", "no-cache"}, {"ETag", "\"v\""}}, 0s},
      {"Set-Cookie", {{"Cache-Control", "public, max-age=60"}, {"Set-Cookie", "a=b"}}, std::nullopt},
  };
  for (const Case& each : cases) {
    const auto terms = terms_of(Caching::kHttp, get(), response(each.fields), kNow);
    EXPECT_EQ(terms.transform([](const Terms& t) { return t.lifetime; }), each.lifetime) << each.name;
  }
}

bool is_stored(std::string_view control, int status) {
  const Fields fields{{"Cache-Control", std::string(control)}};
  return terms_of(Caching::kHttp, get(), response(fields, static_cast<std::uint16_t>(status)), kNow).has_value();
}

TEST(FreshnessTest, AnyStatusThatTellsOfTheResourceIsStored) {
  for (const int status :
       {200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 451, 499, 500, 501, 502, 503, 504, 599}) {
    EXPECT_TRUE(is_stored("max-age=60", status)) << status;
    EXPECT_FALSE(is_stored("public", status)) << status;
  }
}

TEST(FreshnessTest, WhatTellsOfOneRequestAloneIsNotStored) {
  for (const int status : {206, 304, 400, 401, 403, 407, 408, 412, 416, 417, 421, 425, 426, 428, 429, 431, 511, 999}) {
    EXPECT_FALSE(is_stored("public, max-age=60", status)) << status;
  }
}

TEST(FreshnessTest, MustUnderstandStandsForNoStoreWhereTheStatusIsUnderstood) {
  EXPECT_TRUE(is_stored("max-age=60, no-store, must-understand", 200));
  EXPECT_TRUE(is_stored("max-age=60, must-understand", 404));
  EXPECT_FALSE(is_stored("max-age=60, no-store, must-understand", 599));
  EXPECT_FALSE(is_stored("max-age=60, must-understand", 599));
  const Fields fields{{"Cache-Control", "public, max-age=60, no-store, must-understand"}};
  EXPECT_FALSE(terms_of(Caching::kHttpSys, get(), response(fields), kNow)) << "HTTP.sys does not know it";
}

TEST(FreshnessTest, HttpSysTakesOnlyWhatIsPublicAndHasATime) {
  const Fields good{{"Cache-Control", "public, max-age=60"}};
  EXPECT_TRUE(terms_of(Caching::kHttpSys, get(), response(good), kNow));
  EXPECT_FALSE(terms_of(Caching::kHttpSys, get(), response(good, 404), kNow));
  EXPECT_FALSE(terms_of(Caching::kHttpSys, get({{"Authorization", "x"}}), response(good), kNow));
  for (const auto& [name, value] : Fields{{"Vary", "accept"}, {"Pragma", "x"}, {"Set-Cookie", "a=b"}}) {
    Fields fields = good;
    fields.emplace_back(name, value);
    EXPECT_FALSE(terms_of(Caching::kHttpSys, get(), response(fields), kNow)) << name;
  }
}

TEST(FreshnessTest, AuthorizedAnswersSayThatTheyMayBeShared) {
  const RequestHead request = get({{"Authorization", "x"}});
  const auto stores = [&](std::string_view control) {
    return terms_of(Caching::kHttp, request, response({{"Cache-Control", std::string(control)}}), kNow).has_value();
  };
  EXPECT_FALSE(stores("max-age=60"));
  EXPECT_TRUE(stores("max-age=60, public"));
  EXPECT_TRUE(stores("max-age=60, must-revalidate"));
  EXPECT_TRUE(stores("s-maxage=60"));
}

TEST(FreshnessTest, OnlyGetIsStored) {
  RequestHead head = get();
  head.method = "HEAD";
  EXPECT_FALSE(terms_of(Caching::kHttp, head, response({{"Cache-Control", "max-age=60"}}), kNow));
}

TEST(FreshnessTest, StaleIsOnlyWhatMayBe) {
  const auto terms = [](std::string_view control) {
    return terms_of(Caching::kHttp, get(), response({{"Cache-Control", std::string(control)}}), kNow).value();
  };
  EXPECT_EQ(terms("max-age=1, stale-if-error=60").if_error, 60s);
  EXPECT_EQ(terms("s-maxage=1, stale-while-revalidate=60").while_revalidate, 60s);
  EXPECT_EQ(terms("max-age=1, must-revalidate, stale-if-error=60").if_error, 0s);
  EXPECT_EQ(terms("max-age=1, proxy-revalidate, stale-while-revalidate=60").while_revalidate, 0s);
  EXPECT_TRUE(terms("max-age=1").may_be_stale);
  EXPECT_FALSE(terms("s-maxage=1").may_be_stale);
}

TEST(FreshnessTest, AgeIsTheOlderOfWhatIsSaidAndWhatIsSeen) {
  EXPECT_EQ(initial_age(response({}).fields, kNow, 2s), 2s);
  EXPECT_EQ(initial_age(response({{"Age", "30"}}).fields, kNow, 2s), 32s);
  EXPECT_EQ(initial_age(response({{"Age", "x"}}).fields, kNow, 0s), 0s);
  EXPECT_EQ(initial_age(response({{"Age", "7, 30"}}).fields, kNow, 0s), 7s);
  EXPECT_EQ(initial_age(response({{"Date", std::string(kDate)}}).fields, kNow + 50s, 2s), 50s);
  EXPECT_EQ(initial_age(response({{"Date", std::string(kDate)}}).fields, kNow - 50s, 0s), 0s)
      << "a clock that is ahead";
}

TEST(FreshnessTest, RequestsMayWantMoreThanFresh) {
  const Terms terms{.lifetime = 60s};
  const auto asks = [](std::string_view control) {
    return control_of_request(get({{"Cache-Control", std::string(control)}}).fields);
  };
  EXPECT_TRUE(satisfies({}, terms, 59s));
  EXPECT_FALSE(satisfies({}, terms, 60s));
  EXPECT_FALSE(satisfies(asks("no-cache"), terms, 1s));
  EXPECT_FALSE(satisfies(asks("max-age=10"), terms, 11s));
  EXPECT_FALSE(satisfies(asks("min-fresh=10"), terms, 55s));
  EXPECT_TRUE(satisfies(asks("max-stale"), terms, 600s));
  EXPECT_TRUE(satisfies(asks("max-stale=10"), terms, 70s));
  EXPECT_FALSE(satisfies(asks("max-stale=10"), terms, 71s));
  EXPECT_FALSE(satisfies(asks("max-stale"), {.lifetime = 60s, .may_be_stale = false}, 61s));
  EXPECT_TRUE(control_of_request(get({{"Pragma", "no-cache"}}).fields).no_cache);
  EXPECT_FALSE(control_of_request(get({{"Pragma", "no-cache"}, {"Cache-Control", "max-age=9"}}).fields).no_cache);
}

}  // namespace
}  // namespace gatehouse::cache
