#include "proxy/cache/key.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/http/asserted_fields.h"

namespace gatehouse::cache {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

RequestHead request(const Fields& fields = {}) {
  RequestHead head{.secure = true, .method = "GET", .authority = "shop.test", .target = "/a"};
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

std::string key(const Fields& fields = {}) {
  return key_of(request(fields), "/a", "shop");
}

TEST(CacheKeyTest, ItBeginsWithTheUrlThatIsBelieved) {
  EXPECT_EQ(key(), "https://shop.test/a\nshop");
  EXPECT_TRUE(key({{"X-Forwarded-Proto", "http"}, {"X-Forwarded-Host", "public.test"}})
                  .starts_with("http://public.test/a\nshop\nhost:shop.test"));
  EXPECT_EQ(url_of(request(), "/b"), "https://shop.test/b\n");
}

TEST(CacheKeyTest, AHostThatIsNoneDoesNotBecomeAPathOfTheUrl) {
  const std::string evil = key({{"X-Forwarded-Host", "shop.test/a"}});
  EXPECT_TRUE(evil.starts_with("https://shop.test/a\n"));
  EXPECT_NE(evil, key());
  EXPECT_NE(evil, key_of(request(), "/a/a", "shop"));
}

TEST(CacheKeyTest, EveryRowOfTheTableDoesWhatItSays) {
  for (const SteeringRow& row : steering_rows()) {
    std::string name(row.pattern);
    if (name.ends_with('*')) name.replace(name.size() - 1, 1, "x");
    const RequestHead steered = request({{name, "host=v"}});
    EXPECT_EQ(steering_of(name), row.steering) << name;
    EXPECT_EQ(concerns_cache(steered), row.steering != Steering::kPrevents) << name;
    EXPECT_EQ(key({{name, "host=v"}}) == key(), row.steering != Steering::kKeyed) << name;
  }
}

// Whatever only trusted proxies may say of a host, a scheme, a user or a certificate has its row; addresses, and what is
// always taken out, need none.
TEST(CacheKeyTest, WhatTrustedProxiesMaySayIsJudged) {
  for (const asserted_fields::Row& row : asserted_fields::rows()) {
    const bool of_address = row.says.starts_with("address of the client") || row.says.starts_with("the same");
    if (row.from == asserted_fields::From::kOurs || of_address) continue;
    std::string name(row.name);
    if (name.ends_with('*')) name.replace(name.size() - 1, 1, "-x");
    if (row.name == "Client-Cert*") name = "Client-Cert";
    EXPECT_NE(steering_of(name), Steering::kNone) << name;
  }
}

TEST(CacheKeyTest, OtherSpellingsOfANameSteerAlike) {
  EXPECT_EQ(steering_of("X_HTTP_Method_Override"), Steering::kPrevents);
  EXPECT_EQ(steering_of("x-http-method-override"), Steering::kPrevents);
}

TEST(CacheKeyTest, ForwardedIsKeyedByHostAndSchemeAlone) {
  EXPECT_EQ(key({{"Forwarded", "for=10.0.0.1;host=a;proto=http"}}),
            key({{"Forwarded", "for=10.0.0.2;host=a;proto=http"}}));
  EXPECT_NE(key({{"Forwarded", "for=10.0.0.1;host=a"}}), key({{"Forwarded", "for=10.0.0.1;host=b"}}));
}

TEST(CacheKeyTest, WhatHasABodyOrOpensATunnelDoesNotConcernIt) {
  RequestHead body = request();
  body.body = BodyLength::known(1);
  EXPECT_FALSE(concerns_cache(body));
  RequestHead tunnel = request();
  tunnel.upgrade = "websocket";
  EXPECT_FALSE(concerns_cache(tunnel));
}

TEST(CacheKeyTest, VariantsAreToldApartByTheFieldsThatVaryNames) {
  const auto variant = [](const Fields& fields, std::uint64_t generation = 1) {
    return variant_key("k", {"accept", "foo"}, generation, request(fields).fields);
  };
  EXPECT_EQ(variant({{"Accept", "a, b"}}), variant({{"accept", "a,b"}}));
  EXPECT_NE(variant({{"Accept", "a"}}), variant({}));
  EXPECT_NE(variant({{"Accept", "a"}}), variant({{"Foo", "a"}}));
  EXPECT_NE(variant({}, 1), variant({}, 2));
  EXPECT_EQ(variant({{"Bar", "1"}}), variant({{"Bar", "2"}}));
}

TEST(CacheKeyTest, WaysToSayTheSameChooseTheSameVariant) {
  const auto variant = [](const Fields& fields) {
    return variant_key("k", {"accept-encoding", "accept-language", "foo"}, 1, request(fields).fields);
  };
  EXPECT_EQ(variant({{"Foo", "1, 2"}}), variant({{"Foo", "1"}, {"foo", "2"}}));
  EXPECT_NE(variant({{"Foo", ""}}), variant({})) << "what is empty is there";
  EXPECT_EQ(variant({{"Accept-Language", "en, de-AT"}}), variant({{"Accept-Language", "EN,De-at"}}));
  EXPECT_EQ(variant({{"Accept-Encoding", "gzip"}}), variant({{"Accept-Encoding", "GZIP"}}));
  EXPECT_NE(variant({{"Foo", "a"}}), variant({{"Foo", "A"}}));
  EXPECT_NE(variant({{"Accept-Language", "en, de"}}), variant({{"Accept-Language", "de, en"}}));
}

}  // namespace
}  // namespace gatehouse::cache
