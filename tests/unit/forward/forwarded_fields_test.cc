#include <string>

#include <gtest/gtest.h>

#include "proxy/forward/request_rules.h"
#include "tests/support/request_rules_case.h"

namespace gatehouse {
namespace {

// What an endpoint is told of the client, and who may say it.
using ForwardedFieldsTest = testing_support::RequestRulesCase;

TEST_F(ForwardedFieldsTest, SaysWhoAskedForWhat) {
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(field("X-Forwarded-Proto"), "https");
  EXPECT_EQ(field("X-Forwarded-Host"), "shop.example.com");
  EXPECT_EQ(field("X-Forwarded-Port"), "8443");
  EXPECT_EQ(field("Forwarded"), "");
}

// RFC 8470 section 5.1: it says that the request may be a replay, and harms nobody but who says so in vain.
TEST_F(ForwardedFieldsTest, EarlyDataIsPassedOnWhoeverSaysIt) {
  for (const char* address : {"192.0.2.7:1234", "10.0.0.1:1234"}) {
    from(address);
    head.fields = {};
    head.fields.add("Early-Data", "1");
    rewrite();
    EXPECT_EQ(field("Early-Data"), "1") << address;
  }
}

TEST_F(ForwardedFieldsTest, ARequestThatCameEarlyIsSaidToHave) {
  client.early = true;
  for (const char* sent : {"", "0", "1"}) {
    head.fields = {};
    head.fields.add("Connection", "Early-Data");
    if (*sent != '\0') head.fields.add("Early-Data", sent);
    rewrite();
    EXPECT_EQ(field("Early-Data"), "1") << sent;
  }
  client.early = false;
  head.fields = {};
  rewrite();
  EXPECT_EQ(field("Early-Data"), "");
}

TEST_F(ForwardedFieldsTest, SaysWhichCertificateTheClientHasShown) {
  const auto with = [&](const std::string& chain) {
    client.tls = std::make_shared<TlsSummary>(
        TlsSummary{.certificate = std::make_shared<ClientCertificate>(
                       ClientCertificate{.field = ":bGVhZg==:", .chain_field = chain, .subject = "CN=alice"})});
    head.fields = {};
    head.fields.add("Connection", "Client-Cert, Client-Cert-Chain");
    head.fields.add("Client-Cert", ":ZXZpbA==:");
    head.fields.add("Client-Cert-Chain", ":ZXZpbA==:");
    rewrite();
  };
  with(":YQ==:, :Yg==:");
  EXPECT_EQ(field("Client-Cert"), ":bGVhZg==:");
  EXPECT_EQ(field("Client-Cert-Chain"), ":YQ==:, :Yg==:");
  with("");
  EXPECT_EQ(field("Client-Cert"), ":bGVhZg==:");
  EXPECT_EQ(field("Client-Cert-Chain"), "");
  client.tls = std::make_shared<TlsSummary>();
  head.fields = {};
  rewrite();
  EXPECT_EQ(field("Client-Cert"), "");
}

TEST_F(ForwardedFieldsTest, ThePortOfTheAuthorityComesFirst) {
  head.authority = "[2001:db8::1]:444";
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Port"), "444");
  head.authority = "[2001:db8::1]";
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Host"), "[2001:db8::1]");
  EXPECT_EQ(field("X-Forwarded-Port"), "8443");
}

TEST_F(ForwardedFieldsTest, WhatAStrangerSaysAboutItselfIsReplaced) {
  for (const char* name : {"X-Forwarded-For",
                           "X-Forwarded-Proto",
                           "X-Forwarded-Host",
                           "X-Forwarded-Port",
                           "X-Forwarded-Prefix",
                           "X-Forwarded-User",
                           "Forwarded",
                           "X-Real-IP",
                           "True-Client-IP",
                           "Client-Cert",
                           "Client-Cert-Chain",
                           "X-Original-URL",
                           "X_Original_URL",
                           "X-Rewrite-URL",
                           "X-Accel-Redirect",
                           "MS-ASPNETCORE-TOKEN",
                           "ms_aspnetcore_clientcert",
                           "X_Forwarded_User",
                           "Proxy",
                           "X-ARR-ClientCert",
                           "X-Client-Cert",
                           "X-SSL-Cert",
                           "X-SSL-Client-Cert",
                           "SSL-Client-Cert",
                           "SSL_CLIENT_S_DN",
                           "Remote-User",
                           "X-Remote-User",
                           "X-MS-CLIENT-PRINCIPAL-ID",
                           "Front-End-Https",
                           "X-Url-Scheme",
                           "X-Scheme",
                           "CF-Connecting-IP",
                           "X-Client-IP",
                           "x_client_ip",
                           "X-Cluster-Client-Ip",
                           "X-Sendfile-Type",
                           "X.Remote.User",
                           "Remote_User"}) {
    head.fields.add(name, "evil");
    head.fields.add(name, "evil, again");
  }
  rewrite();
  for (const Field one : head.fields) EXPECT_EQ(one.value.find("evil"), std::string_view::npos) << one.name;
  EXPECT_EQ(field("X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(head.fields.count(FieldName::kXForwardedFor), 1U);
}

TEST_F(ForwardedFieldsTest, WhatATrustedProxySaysIsKeptOrAddedTo) {
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

TEST_F(ForwardedFieldsTest, RealIpIsTheClientsWhereTheRouteAsksForIt) {
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

TEST_F(ForwardedFieldsTest, ForwardedForIsMadeFromTheFieldThatIsBelieved) {
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

TEST_F(ForwardedFieldsTest, WhatTheListenerStripsIsFromNobody) {
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

TEST_F(ForwardedFieldsTest, ATrustedProxyThatSaysTwoThingsHasSaidNone) {
  from("10.1.2.3:1234");
  head.fields.add("X-Forwarded-Proto", "http");
  head.fields.add("X-Forwarded-Proto", "ftp");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-Proto"), "https");
}

TEST_F(ForwardedFieldsTest, AClientOnAUnixSocketHasNoAddressToTell) {
  client.address = Address::parse("unix:/run/client").value();
  head.fields.add("X-Forwarded-For", "evil");
  rewrite();
  EXPECT_EQ(field("X-Forwarded-For"), "");
  EXPECT_EQ(field("X-Forwarded-Proto"), "https");
}

TEST_F(ForwardedFieldsTest, ForwardedIsSentWhereTheRouteAsksForIt) {
  route.forwarded_rfc7239 = true;
  head.fields.add("Forwarded", "for=evil");
  rewrite();
  EXPECT_EQ(field("Forwarded"), "for=192.0.2.7;host=\"shop.example.com\";proto=https");
}

TEST_F(ForwardedFieldsTest, ForwardedQuotesV6AndFollowsATrustedProxys) {
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

}  // namespace
}  // namespace gatehouse
