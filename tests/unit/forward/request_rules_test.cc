#include "proxy/forward/request_rules.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

class RequestRulesTest : public ::testing::Test {
 protected:
  RequestRulesTest() {
    auto policy = std::make_shared<ListenerPolicy>();
    policy->public_port = 8443;
    policy->trusted_proxies.push_back(AddressRange::parse("10.0.0.0/8").value());
    client.listener = policy;
    from("192.0.2.7:1234");
    head.method = "GET";
    head.secure = true;
    head.authority = "shop.example.com";
    head.target = "/a";
  }
  void from(const char* address) { client.address = Address::parse(address).value(); }
  void rewrite() {
    strip_asserted_fields(head.fields, client);
    request_id = settled_request_id(head.fields);
    apply_request_rules(head, client, route, request_id);
  }
  std::string field(std::string_view name) {
    std::string all;
    for (const Field one : head.fields) {
      if (field_name(name) == FieldName::kOther ? one.name == name : one.id == field_name(name)) {
        if (!all.empty()) all += " | ";
        all += one.value;
      }
    }
    return all;
  }

  RequestHead head;
  ClientInfo client;
  Route route;
  std::string request_id;
};

TEST_F(RequestRulesTest, SaysWhoAskedForWhat) {
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(field("X-Forwarded-Proto"), "https");
  EXPECT_EQ(field("X-Forwarded-Host"), "shop.example.com");
  EXPECT_EQ(field("X-Forwarded-Port"), "8443");
  EXPECT_EQ(field("Forwarded"), "");
}

TEST_F(RequestRulesTest, ThePortOfTheAuthorityComesFirst) {
  head.authority = "[2001:db8::1]:444";
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Port"), "444");
  head.authority = "[2001:db8::1]";
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Host"), "[2001:db8::1]");
  EXPECT_EQ(field("X-Forwarded-Port"), "8443");
}

TEST_F(RequestRulesTest, WhatAStrangerSaysAboutItselfIsReplaced) {
  for (const char* name : {"X-Forwarded-For",          "X-Forwarded-Proto", "X-Forwarded-Host",  "X-Forwarded-Port",
                           "X-Forwarded-Prefix",       "X-Forwarded-User",  "Forwarded",         "X-Real-IP",
                           "True-Client-IP",           "Client-Cert",       "Client-Cert-Chain", "X-Original-URL",
                           "X_Original_URL",           "X-Rewrite-URL",     "X-Accel-Redirect",  "MS-ASPNETCORE-TOKEN",
                           "ms_aspnetcore_clientcert", "X_Forwarded_User",  "Early-Data",        "Proxy",
                           "X-ARR-ClientCert",         "X-Client-Cert",     "X-SSL-Cert",        "X-SSL-Client-Cert",
                           "SSL-Client-Cert",          "SSL_CLIENT_S_DN",   "Remote-User",       "X-Remote-User",
                           "X-MS-CLIENT-PRINCIPAL-ID", "Front-End-Https",   "X-Url-Scheme",      "X-Scheme",
                           "CF-Connecting-IP",         "X-Client-IP",       "x_client_ip",       "X-Cluster-Client-Ip",
                           "X-Sendfile-Type",          "X.Remote.User",     "Remote_User"}) {
    head.fields.add(name, "evil");
    head.fields.add(name, "evil, again");
  }
  rewrite();
  for (const Field one : head.fields) EXPECT_EQ(one.value.find("evil"), std::string_view::npos) << one.name;
  EXPECT_EQ(field("X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(head.fields.count(FieldName::kXForwardedFor), 1U);
}

TEST_F(RequestRulesTest, WhatATrustedProxySaysIsKeptOrAddedTo) {
  from("10.1.2.3:1234");
  head.fields.add("X-Forwarded-For", "203.0.113.9");
  head.fields.add("x-forwarded-for", "198.51.100.1");
  head.fields.add("X-Forwarded-Proto", "http");
  head.fields.add("X-Forwarded-Host", "outer.example.com");
  head.fields.add("X-Forwarded-Port", "80");
  head.fields.add("X-Forwarded-Client", "kept");
  head.fields.add("X-Real-IP", "1.2.3.4");
  head.fields.add("X_Forwarded_Client", "dropped");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "203.0.113.9, 198.51.100.1, 10.1.2.3");
  EXPECT_EQ(field("X-Forwarded-Proto"), "http");
  EXPECT_EQ(field("X-Forwarded-Host"), "outer.example.com");
  EXPECT_EQ(field("X-Forwarded-Port"), "80");
  EXPECT_EQ(field("X-Forwarded-Client"), "kept");
  EXPECT_EQ(field("X_Forwarded_Client"), "");
  EXPECT_EQ(field("X-Real-IP"), "1.2.3.4");
}

TEST_F(RequestRulesTest, RealIpIsTheClientsWhereTheRouteAsksForIt) {
  head.fields.add("X-Real-IP", "6.6.6.6");
  rewrite();
  EXPECT_EQ(field("X-Real-IP"), "");
  route.real_ip = true;
  head.fields.add("Connection", "X-Real-IP");
  head.fields.add("X-Real-IP", "6.6.6.6");
  rewrite();
  EXPECT_EQ(field("X-Real-IP"), "192.0.2.7");
  // Of a trusted proxy that does not say it, the client is the one that X-Forwarded-For names.
  from("10.1.2.3:1234");
  client.forwarded_for = std::make_shared<const Address>(Address::parse("203.0.113.9:0").value());
  head.fields.remove("X-Real-IP");
  rewrite();
  EXPECT_EQ(field("X-Real-IP"), "203.0.113.9");
  head.fields.set("X-Real-IP", "198.51.100.4");
  rewrite();
  EXPECT_EQ(field("X-Real-IP"), "198.51.100.4");
  client.address = Address::parse("unix:/run/client").value();
  client.forwarded_for = nullptr;
  head.fields.set("X-Real-IP", "6.6.6.6");
  rewrite();
  EXPECT_EQ(field("X-Real-IP"), "");
}

TEST_F(RequestRulesTest, ForwardedForIsMadeFromTheFieldThatIsBelieved) {
  auto policy = std::make_shared<ListenerPolicy>(*client.listener);
  policy->client_address = ClientAddress::kXRealIp;
  client.listener = policy;
  from("10.1.2.3:1234");
  head.fields.add("X-Forwarded-For", "6.6.6.6");
  client.forwarded_for = std::make_shared<const Address>(Address::parse("203.0.113.9:0").value());
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "203.0.113.9, 10.1.2.3");
  client.forwarded_for = nullptr;
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "10.1.2.3");
}

TEST_F(RequestRulesTest, WhatTheListenerStripsIsFromNobody) {
  auto policy = std::make_shared<ListenerPolicy>(*client.listener);
  policy->strip = {"X-Acme-*", "X-Request-Id", "X-Real-IP"};
  client.listener = policy;
  for (const char* peer : {"192.0.2.7:1234", "10.1.2.3:1234"}) {
    from(peer);
    for (const char* name : {"X-Acme-User", "x_acme_role", "X-Request-Id", "X-Real-IP"}) head.fields.add(name, "evil");
    rewrite();
    for (const Field one : head.fields) EXPECT_NE(one.value, "evil") << peer << " " << one.name;
  }
}

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

TEST_F(RequestRulesTest, ATrustedProxyThatSaysTwoThingsHasSaidNone) {
  from("10.1.2.3:1234");
  head.fields.add("X-Forwarded-Proto", "http");
  head.fields.add("X-Forwarded-Proto", "ftp");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Proto"), "https");
}

TEST_F(RequestRulesTest, AClientOnAUnixSocketHasNoAddressToTell) {
  client.address = Address::parse("unix:/run/client").value();
  head.fields.add("X-Forwarded-For", "evil");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "");
  EXPECT_EQ(field("X-Forwarded-Proto"), "https");
}

TEST_F(RequestRulesTest, ForwardedIsSentWhereTheRouteAsksForIt) {
  route.forwarded_rfc7239 = true;
  head.fields.add("Forwarded", "for=evil");
  rewrite();
  EXPECT_EQ(field("Forwarded"), "for=192.0.2.7;host=\"shop.example.com\";proto=https");
}

TEST_F(RequestRulesTest, ForwardedQuotesV6AndFollowsATrustedProxys) {
  route.forwarded_rfc7239 = true;
  auto policy = std::make_shared<ListenerPolicy>();
  policy->trusted_proxies.push_back(AddressRange::parse("fd00::/8").value());
  client.listener = policy;
  from("[fd00::7]:9");
  head.fields.add("Forwarded", "for=203.0.113.9");
  rewrite();
  EXPECT_EQ(field("Forwarded"), "for=203.0.113.9, for=\"[fd00::7]\";host=\"shop.example.com\";proto=https");
  EXPECT_EQ(field("X-Forwarded-For"), "fd00::7");
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

TEST_F(RequestRulesTest, StripsAsManySegmentsAsTheRouteHas) {
  struct {
    const char* prefix;
    const char* target;
    const char* stripped;
  } const cases[] = {{"/api", "/api", "/"},
                     {"/api", "/api/", "/"},
                     {"/api", "/api/x?y=/z", "/x?y=/z"},
                     {"/api", "/api?q", "/?q"},
                     {"/api/v1/", "/api/v1/x", "/x"},
                     {"/api", "/api;p=1/x", "/x"},
                     {"/api", "/%61pi/x%2f", "/x%2f"},
                     {"/", "/x", ""}};
  for (const auto& one : cases) {
    route.strip_prefix = true;
    route.path = one.prefix;
    head.target = one.target;
    EXPECT_EQ(stripped_target(head, route), one.stripped) << one.target;
  }
  head.target = "*";
  EXPECT_EQ(stripped_target(head, route), "");
  route.strip_prefix = false;
  head.target = "/api/x";
  EXPECT_EQ(stripped_target(head, route), "");
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
