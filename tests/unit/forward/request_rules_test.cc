#include "proxy/forward/request_rules.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/request_rules_case.h"

namespace gatehouse {
namespace {

using RequestRulesTest = testing_support::RequestRulesCase;

TEST_F(RequestRulesTest, NoOtherSpellingStandsBesideWhatTheRouteSays) {
  route.request_headers = {.set = {{"X-Authenticated-By", "us"}}, .remove = {"X-Secret"}};
  for (const char* name : {"X-Authenticated-By", "x-authenticated-by", "X_Authenticated_By", "X-Authenticated.By"}) {
    head.fields.add(name, "evil");
  }
  for (const char* name : {"X-Secret", "X_Secret", "x-shop_key"}) head.fields.add(name, "client");
  rewrite();
  EXPECT_EQ(field("X-Authenticated-By"), "us");
  EXPECT_EQ(head.fields.find("X_Authenticated_By"), std::nullopt);
  EXPECT_EQ(head.fields.find("X-Authenticated.By"), std::nullopt);
  EXPECT_EQ(head.fields.find("X_Secret"), std::nullopt);
  EXPECT_EQ(head.fields.find("x-shop_key"), "client");
}

TEST_F(RequestRulesTest, ViaSaysWhichProtocolAndWhomItPassed) {
  auto policy = std::make_shared<ListenerPolicy>(*client.listener);
  policy->pseudonym = "aaaa";
  client.listener = policy;
  rewrite();
  EXPECT_EQ(field("Via"), "") << "a route without a pseudonym sends none";
  route.pseudonym = "bbbb";
  struct {
    Protocol protocol;
    const char* via;
  } const cases[] = {{Protocol::kH10, "1.0 gatehouse-aaaabbbb"},
                     {Protocol::kH1, "1.1 gatehouse-aaaabbbb"},
                     {Protocol::kH2, "2 gatehouse-aaaabbbb"},
                     {Protocol::kH3, "3 gatehouse-aaaabbbb"}};
  for (const auto& one : cases) {
    head.fields.clear();
    head.protocol = one.protocol;
    rewrite();
    EXPECT_EQ(field("Via"), one.via);
  }
  head.fields.clear();
  head.fields.add("Via", "1.0 fred");
  head.fields.add("via", "1.1 p.example.net (Apache/1.1)");
  rewrite();
  EXPECT_EQ(field("Via"), "1.0 fred, 1.1 p.example.net (Apache/1.1), 3 gatehouse-aaaabbbb");
}

TEST_F(RequestRulesTest, ARequestComesBackWhereViaNamesThisListenerAndRoute) {
  auto policy = std::make_shared<ListenerPolicy>(*client.listener);
  policy->pseudonym = "aaaa";
  client.listener = policy;
  route.pseudonym = "bbbb";
  const auto comes_back = [&](std::initializer_list<const char*> via) {
    head.fields.clear();
    for (const char* value : via) head.fields.add("Via", value);
    return request_has_come_back(head, client, route);
  };
  EXPECT_FALSE(comes_back({}));
  EXPECT_FALSE(comes_back({"1.1 gatehouse-aaaacccc", "2 gatehouse-ccccbbbb, 1.1 gatehouse-aaaa"}));
  EXPECT_FALSE(comes_back({"gatehouse-aaaabbbb", "1.1 gatehouse-aaaabbbbb", "1.1 x.gatehouse-aaaabbbb"}));
  EXPECT_TRUE(comes_back({"1.1 gatehouse-aaaabbbb"}));
  EXPECT_TRUE(comes_back({"1.0 fred", "1.1 x, 2 gatehouse-aaaabbbb (why not), 1.1 y"}));
  EXPECT_TRUE(comes_back({"1.1 gatehouse-aaaabbbb,1.1 y"}));
  rewrite();
  EXPECT_TRUE(request_has_come_back(head, client, route));
  route.pseudonym.clear();
  EXPECT_FALSE(comes_back({"1.1 gatehouse-aaaa"})) << "what calls itself nothing recognises nothing";
}

TEST_F(RequestRulesTest, HopByHopFieldsAndWhatConnectionNamesGoFirstSoThatOursSurvive) {
  head.fields.add("Connection", "keep-alive, X-Internal-User, X-Forwarded-For, X-Request-Id");
  for (const char* name : {"Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "HTTP2-Settings",
                           "Proxy-Authorization", "X-Internal-User"}) {
    head.fields.add(name, "x");
  }
  head.fields.add("Cookie", "a=b");
  rewrite();
  for (const char* name : {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "HTTP2-Settings",
                           "Proxy-Authorization", "X-Internal-User"}) {
    EXPECT_EQ(field(name), "") << name;
  }
  EXPECT_EQ(field("X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(field("X-Request-Id"), request_id);
  EXPECT_EQ(field("Cookie"), "a=b");
}

TEST_F(RequestRulesTest, KeepsAGoodRequestIdAndReplacesABadOne) {
  head.fields.add("X-Request-Id", "abc-123_X.y~z+/=:@");
  rewrite();
  EXPECT_EQ(request_id, "abc-123_X.y~z+/=:@");
  for (const std::string& bad :
       {std::string("with space"), std::string(), std::string(129, 'a'), std::string("a\"b")}) {
    RequestHead other;
    other.method = "GET";
    other.fields.add("X-Request-Id", bad);
    const std::string fresh = settled_request_id(other.fields);
    apply_request_rules(other, client, route, fresh);
    EXPECT_EQ(fresh.size(), 32U);
    EXPECT_EQ(other.fields.find(FieldName::kXRequestId), fresh);
    EXPECT_EQ(other.fields.count(FieldName::kXRequestId), 1U);
    EXPECT_NE(fresh, bad);
  }
}

TEST_F(RequestRulesTest, TwoRequestIdsAreNone) {
  head.fields.add("X-Request-Id", "one");
  head.fields.add("X-Request-Id", "two");
  rewrite();
  EXPECT_EQ(field("X-Request-Id"), request_id);
  EXPECT_EQ(request_id.size(), 32U);
}

TEST_F(RequestRulesTest, ARequestIdThatTheConnectionIsSaidToOwnIsSaidAnew) {
  head.fields.add("Connection", "X-Request-Id");
  head.fields.add("X-Request-Id", "mine");
  rewrite();
  EXPECT_EQ(request_id, "mine");
  EXPECT_EQ(field("X-Request-Id"), "mine");
}

TEST_F(RequestRulesTest, MadeRequestIdsDiffer) {
  rewrite();
  const std::string first = request_id;
  head.fields.clear();
  rewrite();
  EXPECT_NE(request_id, first);
}

TEST_F(RequestRulesTest, EditsComeLastAndInTheirOrder) {
  route.request_headers = {.set = {{"X-Set", "new"}, {"X-Forwarded-Proto", "https, really"}},
                           .add = {{"X-Added", "1"}, {"X-Added", "2"}},
                           .remove = {"x-gone", "X-Forwarded-Port"}};
  head.fields.add("X-Gone", "a");
  head.fields.add("X-Set", "old");
  head.fields.add("x-set", "older");
  rewrite();
  EXPECT_EQ(field("X-Gone"), "");
  EXPECT_EQ(head.fields.find("X-Set"), "new");
  EXPECT_EQ(field("X-Added"), "1 | 2");
  EXPECT_EQ(field("X-Forwarded-Proto"), "https, really");
  EXPECT_EQ(field("X-Forwarded-Port"), "");
}

TEST_F(RequestRulesTest, KeepsEverythingElseInItsOrder) {
  for (const char* name : {"B", "A", "b", "X-HTTP-Method-Override", "traceparent"}) head.fields.add(name, name);
  rewrite();
  std::string names;
  for (std::size_t i = 0; i < 5; ++i) names += std::string(head.fields.at(i).name) + " ";
  EXPECT_EQ(names, "B A b X-HTTP-Method-Override traceparent ");
}

TEST_F(RequestRulesTest, MaxForwardsCountsDownForOptionsOnly) {
  head.fields.add("Max-Forwards", "5");
  EXPECT_FALSE(request_ends_here(head));
  rewrite();
  EXPECT_EQ(field("Max-Forwards"), "5");
  head.method = "OPTIONS";
  rewrite();
  EXPECT_EQ(field("Max-Forwards"), "4");
  head.fields.set("Max-Forwards", "0");
  EXPECT_TRUE(request_ends_here(head));
  head.method = "GET";
  EXPECT_FALSE(request_ends_here(head));
}

TEST_F(RequestRulesTest, AStrippedPrefixIsToldAndATrustedProxysStaysInFrontOfIt) {
  route.strip_prefix = true;
  route.path = "/api";
  head.fields.add("X-Forwarded-Prefix", "/evil");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Prefix"), "/api");
  from("10.0.0.1:1");
  head.fields.set("X-Forwarded-Prefix", "/outer");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Prefix"), "/outer/api");
}

}  // namespace
}  // namespace gatehouse
