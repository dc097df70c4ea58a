// UrlPrefixes: what they are, what they are not, and which covers which.
#include "config/policy/url_prefix.h"

#include <string>

#include <gtest/gtest.h>

#include "proxy/http/target.h"

namespace gatehouse {
namespace {

using Category = UrlPrefix::Category;

struct Good {
  const char* text;
  const char* form;  // the one that to_string() has
  Category category;
  const char* host;
  std::uint16_t port;
  const char* path;
};

constexpr Good kGood[] = {
    {"https://shop.example.com/orders/", "https://shop.example.com/orders/", Category::kHost, "shop.example.com", 443,
     "/orders"},
    {"https://shop.example.com/orders", "https://shop.example.com/orders/", Category::kHost, "shop.example.com", 443,
     "/orders"},
    {"HTTPS://Shop.EXAMPLE.com:443/Orders/", "https://shop.example.com/Orders/", Category::kHost, "shop.example.com",
     443, "/Orders"},
    {"http://shop.example.com/", "http://shop.example.com/", Category::kHost, "shop.example.com", 80, "/"},
    {"http://shop.example.com:443/a/b/", "http://shop.example.com:443/a/b/", Category::kHost, "shop.example.com", 443,
     "/a/b"},
    {"https://xn--bcher-kva.example/x/", "https://xn--bcher-kva.example/x/", Category::kHost, "xn--bcher-kva.example",
     443, "/x"},
    {"https://+:443/orders/", "https://+/orders/", Category::kStrongWildcard, "", 443, "/orders"},
    {"https://*:8443/", "https://*:8443/", Category::kWeakWildcard, "", 8443, "/"},
    {"http://192.0.2.7:8080/x/", "http://192.0.2.7:8080/x/", Category::kAddress, "192.0.2.7", 8080, "/x"},
    {"https://[2001:DB8::0:1]/x/", "https://[2001:db8::1]/x/", Category::kAddress, "2001:db8::1", 443, "/x"},
    {"https://[::1]:8443/", "https://[::1]:8443/", Category::kAddress, "::1", 8443, "/"},
    {"https://a.example/%C3%BC+b/", "https://a.example/%C3%BC+b/", Category::kHost, "a.example", 443, "/%C3%BC+b"},
};

TEST(UrlPrefixTest, IsOneFormOfWhatItMeans) {
  for (const Good& each : kGood) {
    const auto prefix = UrlPrefix::parse(each.text);
    ASSERT_TRUE(prefix) << each.text << ": " << prefix.error().message;
    EXPECT_EQ(prefix->category, each.category) << each.text;
    EXPECT_EQ(prefix->host, each.host) << each.text;
    EXPECT_EQ(prefix->port, each.port) << each.text;
    EXPECT_EQ(prefix->path, each.path) << each.text;
    EXPECT_EQ(prefix->to_string(), each.form) << each.text;
    EXPECT_EQ(UrlPrefix::parse(prefix->to_string()), *prefix) << each.text;
    // What requests are matched by.
    EXPECT_EQ(target::canonical_path(prefix->path), prefix->path) << each.text;
  }
}

struct Bad {
  const char* text;
  const char* why;  // a part of it
};

constexpr Bad kBad[] = {
    {"", "must begin with"},
    {"shop.example.com/orders/", "must begin with"},
    {"ftp://shop.example.com/", "must begin with"},
    {"https:/shop.example.com/", "must begin with"},
    {"https://shop.example.com", "no path"},
    {"https:///orders/", "no host"},
    {"https://user@shop.example.com/", "a user"},
    {"https://*.example.com/", "whole host"},
    {"https://shop.*/", "whole host"},
    {"https://++/", "no host name"},
    {"https://b\xC3\xBC"
     "cher.example/",
     "xn--"},
    {"https://shop.example.com./", "dot"},
    {"https://shop..example.com/", "no host name"},
    {"https://shop example/", "no host name"},
    {"https://%73hop.example.com/", "no host name"},
    {"https://1.2.3/", "ends in a number"},
    {"https://2130706433/", "ends in a number"},
    {"https://0x7f.0x1/", "ends in a number"},
    {"https://1.2.3.256/", "ends in a number"},
    {"https://[::1/", "no IPv6"},
    {"https://[1.2.3.4]/", "no IPv6"},
    {"https://[fe80::1%eth0]/", "no IPv6"},
    {"https://::1/", "no host"},
    {"https://shop.example.com:0/", "port"},
    {"https://shop.example.com:0443/", "port"},
    {"https://shop.example.com:65536/", "port"},
    {"https://shop.example.com:/", "port"},
    {"https://shop.example.com:443x/", "port"},
    {"https://shop.example.com/orders?x", "query"},
    {"https://shop.example.com/#x", "query"},
    {"https://shop.example.com/orders//", "write \"/orders\""},
    {"https://shop.example.com//orders/", "write \"/orders\""},
    {"https://shop.example.com/orders/./", "write \"/orders\""},
    {"https://shop.example.com/a/../orders/", "write \"/orders\""},
    {"https://shop.example.com/orders/%2e%2e/", "write \"/\""},
    {"https://shop.example.com/../", "above the root"},
    {"https://shop.example.com/%6Frders/", "write \"/orders\""},
    {"https://shop.example.com/%c3%bc/", "write \"/%C3%BC\""},
    {"https://shop.example.com/orders;v=1/", "write \"/orders\""},
    {"https://shop.example.com/orders%2Fx/", "slash"},
    {"https://shop.example.com/orders%5Cx/", "slash"},
    {"https://shop.example.com/orders\\x/", "backslash"},
    {"https://shop.example.com/%00/", "NUL"},
    {"https://shop.example.com/%4/", "%"},
    {"https://shop.example.com/\xC3\xBC/", "%XX"},
    {"https://shop.example.com/a b/", "%XX"},
};

TEST(UrlPrefixTest, OtherSpellingsAreRefusedWithTheReason) {
  for (const Bad& each : kBad) {
    const auto prefix = UrlPrefix::parse(each.text);
    ASSERT_FALSE(prefix) << each.text << " is " << prefix->to_string();
    EXPECT_NE(prefix.error().message.find(each.why), std::string::npos) << each.text << ": " << prefix.error().message;
  }
  EXPECT_FALSE(UrlPrefix::parse("https://a.example/" + std::string(UrlPrefix::kLongest, 'x')));
}

struct Pair {
  const char* prefix;
  const char* other;
  bool covers;
};

constexpr Pair kPairs[] = {
    {"https://a.example/orders/", "https://a.example/orders/", true},
    {"https://a.example/orders/", "https://A.example:443/orders", true},
    {"https://a.example/orders/", "https://a.example/orders/eu/", true},
    {"https://a.example/", "https://a.example/orders/", true},
    {"https://a.example/orders/", "https://a.example/ordersx/", false},
    {"https://a.example/orders/", "https://a.example/", false},
    {"https://a.example/orders/", "https://a.example/Orders/", false},
    {"https://a.example/orders/", "http://a.example/orders/", false},
    {"https://a.example/orders/", "http://a.example:443/orders/", false},
    {"https://a.example/orders/", "https://a.example:8443/orders/", false},
    {"https://a.example/orders/", "https://b.a.example/orders/", false},
    {"https://+:443/orders/", "https://a.example/orders/", false},
    {"https://*:443/orders/", "https://a.example/orders/", false},
    {"https://*:443/orders/", "https://+:443/orders/", false},
    {"https://+:443/", "https://+:443/orders/", true},
    {"https://[::1]/x/", "https://[0:0::1]/x/y/", true},
};

TEST(UrlPrefixTest, CoversWhatIsBelowByWholeSegmentsAndNothingElse) {
  for (const Pair& each : kPairs) {
    EXPECT_EQ(UrlPrefix::parse(each.prefix)->covers(*UrlPrefix::parse(each.other)), each.covers)
        << each.prefix << " " << each.other;
  }
}

TEST(UrlPrefixTest, AWildcardWithoutAPathIsAWholePort) {
  EXPECT_TRUE(UrlPrefix::parse("https://+:443/")->is_whole_port());
  EXPECT_TRUE(UrlPrefix::parse("https://*:443/")->is_whole_port());
  EXPECT_TRUE(UrlPrefix::parse("https://192.0.2.7/")->is_whole_port());
  EXPECT_FALSE(UrlPrefix::parse("https://+:443/x/")->is_whole_port());
  EXPECT_FALSE(UrlPrefix::parse("https://a.example/")->is_whole_port());
}

}  // namespace
}  // namespace gatehouse
