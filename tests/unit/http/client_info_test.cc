// Where a request comes from when proxies have passed it on: only what trusted ones say, from the right.
#include "proxy/http/client_info.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "proxy/http/forwarded.h"

namespace gatehouse {
namespace {

ClientInfo client_at(const std::string& address) {
  auto policy = std::make_shared<ListenerPolicy>();
  policy->trusted_proxies = {AddressRange::parse("10.0.0.0/8").value(), AddressRange::parse("fd00::/8").value()};
  ClientInfo client;
  client.address = Address::parse(address).value();
  client.listener = policy;
  return client;
}

std::string origin(const std::string& peer, std::initializer_list<const char*> forwarded_for) {
  ClientInfo client = client_at(peer);
  FieldList fields;
  for (const char* value : forwarded_for) fields.add("X-Forwarded-For", value);
  client.forwarded_for = origin_said(client, fields);
  return client.origin().host();
}

// What a trusted peer says in the field that is believed, beside what its client has said in the others.
std::string origin_by(ClientAddress believed, std::initializer_list<const char*> said) {
  ClientInfo client = client_at("10.1.1.1:1000");
  auto policy = std::make_shared<ListenerPolicy>(*client.listener);
  policy->client_address = believed;
  client.listener = policy;
  FieldList fields;
  const std::string_view name = believed == ClientAddress::kForwarded ? "Forwarded" : "X-Real-IP";
  for (const std::string_view other : {"X-Forwarded-For", "Forwarded", "X-Real-IP"}) {
    if (other != name) fields.add(other, other == "Forwarded" ? "for=6.6.6.6" : "6.6.6.6");
  }
  for (const char* value : said) fields.add(name, value);
  client.forwarded_for = origin_said(client, fields);
  return client.origin().host();
}

bool https_by(ClientAddress believed, std::string_view name, std::initializer_list<const char*> said,
              const std::string& peer = "10.1.1.1:1000") {
  ClientInfo client = client_at(peer);
  auto policy = std::make_shared<ListenerPolicy>(*client.listener);
  policy->client_address = believed;
  client.listener = policy;
  FieldList fields;
  for (const char* value : said) fields.add(name, value);
  return https_said(client, fields);
}

TEST(ClientInfo, ATrustedPeerSaysThatItsClientCameByHttps) {
  for (const ClientAddress believed : {ClientAddress::kXForwardedFor, ClientAddress::kXRealIp}) {
    EXPECT_TRUE(https_by(believed, "X-Forwarded-Proto", {"https"}));
    EXPECT_TRUE(https_by(believed, "X-Forwarded-Proto", {"HTTPS , http"})) << "the first is the client's own way";
    EXPECT_TRUE(https_by(believed, "X-Forwarded-Proto", {"https", "http"}));
    EXPECT_FALSE(https_by(believed, "X-Forwarded-Proto", {"http, https"}));
    EXPECT_FALSE(https_by(believed, "X-Forwarded-Proto", {"http"}));
    EXPECT_FALSE(https_by(believed, "X-Forwarded-Proto", {}));
    EXPECT_FALSE(https_by(believed, "X-Forwarded-Proto", {"https"}, "192.0.2.1:1000")) << "nobody trusts it";
    EXPECT_FALSE(https_by(believed, "Forwarded", {"proto=https"}));
  }
}

TEST(ClientInfo, ForwardedSaysSoWhereItIsTheFieldThatIsBelieved) {
  const auto said = [](std::initializer_list<const char*> values) {
    return https_by(ClientAddress::kForwarded, "Forwarded", values);
  };
  EXPECT_TRUE(said({"for=203.0.113.9;proto=https;host=a"}));
  EXPECT_TRUE(said({"for=\"[2001:db8::1]:4711\"; Proto=\"https\", for=10.0.0.1;proto=http"}));
  EXPECT_FALSE(said({"for=10.0.0.1;proto=http", "proto=https"}));
  EXPECT_FALSE(said({"proto=https;proto=http"}));
  EXPECT_FALSE(said({"for=\"x;proto=https\""}));
  EXPECT_FALSE(said({"for=203.0.113.9"}));
  EXPECT_FALSE(https_by(ClientAddress::kForwarded, "X-Forwarded-Proto", {"https"})) << "the client's own, perhaps";
}

TEST(ClientInfo, AnUntrustedPeerIsTheOriginWhateverItSays) {
  EXPECT_EQ(origin("192.0.2.1:1000", {"203.0.113.9"}), "192.0.2.1");
}

TEST(ClientInfo, ATrustedPeerNamesTheOrigin) {
  EXPECT_EQ(origin("10.1.1.1:1000", {"203.0.113.9"}), "203.0.113.9");
  EXPECT_EQ(origin("10.1.1.1:1000", {}), "10.1.1.1");
}

TEST(ClientInfo, TheWalkStopsAtTheFirstUntrustedHopFromTheRight) {
  EXPECT_EQ(origin("10.1.1.1:1000", {"198.51.100.1, 203.0.113.9, 10.2.2.2"}), "203.0.113.9");
  EXPECT_EQ(origin("10.1.1.1:1000", {"198.51.100.1", "203.0.113.9", "10.2.2.2,fd00::7"}), "203.0.113.9");
}

TEST(ClientInfo, WithTrustedHopsOnlyTheFirstOneIsTheOrigin) {
  EXPECT_EQ(origin("10.1.1.1:1000", {"10.3.3.3, 10.2.2.2"}), "10.3.3.3");
}

TEST(ClientInfo, PortsAndBracketsAreRead) {
  EXPECT_EQ(origin("10.1.1.1:1000", {"203.0.113.9:4711"}), "203.0.113.9");
  EXPECT_EQ(origin("10.1.1.1:1000", {"2001:db8::1"}), "2001:db8::1");
  EXPECT_EQ(origin("10.1.1.1:1000", {"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(origin("10.1.1.1:1000", {"[2001:db8::1]:99"}), "2001:db8::1");
}

TEST(ClientInfo, ABadElementEndsTheWalkWithWhatIsKnown) {
  for (const char* bad : {"unknown", "localhost", "fe80::1%eth0", "\"203.0.113.9\"", "300.1.1.1", "unix:/run/a", "",
                          "203.0.113.9 x", "203.0.113.9:99999"}) {
    EXPECT_EQ(origin("10.1.1.1:1000", {"198.51.100.1", bad}), "10.1.1.1") << bad;
    EXPECT_EQ(origin("10.1.1.1:1000", {(std::string(bad) + ", 10.2.2.2").c_str()}), "10.2.2.2") << bad;
  }
}

TEST(ClientInfo, ForwardedIsReadAsRfc7239WritesIt) {
  struct {
    const char* said;
    const char* origin;
  } const cases[] = {
      {"for=203.0.113.9", "203.0.113.9"},
      {"For=203.0.113.9;Proto=https;by=10.0.0.1", "203.0.113.9"},
      {"proto=https ; for=\"203.0.113.9:4711\"", "203.0.113.9"},
      {"for=\"[2001:db8::1]\"", "2001:db8::1"},
      {"for=\"[2001:db8::1]:4711\";host=\"a,b;c\"", "2001:db8::1"},
      {"for=198.51.100.1, for=203.0.113.9, for=10.2.2.2", "203.0.113.9"},
      {"for=\"evil, for=203.0.113.9", "203.0.113.9"},
      {"for=198.51.100.1, for=unknown", "10.1.1.1"},
      {"for=198.51.100.1, for=_hidden", "10.1.1.1"},
      {"for=unknown, for=10.2.2.2", "10.2.2.2"},
      {"for=203.0.113.9;for=198.51.100.1", "10.1.1.1"},
      {"for=203.0.113.9:80", "10.1.1.1"},
      {"for=2001:db8::1", "10.1.1.1"},
      {"for=\"2001:db8::1\"", "10.1.1.1"},
      {"for=\"203.0.113.9", "10.1.1.1"},
      {"203.0.113.9", "10.1.1.1"},
      {"by=203.0.113.9", "10.1.1.1"},
      {"for=", "10.1.1.1"},
      {"", "10.1.1.1"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(origin_by(ClientAddress::kForwarded, {one.said}), one.origin) << one.said;
  }
  EXPECT_EQ(origin_by(ClientAddress::kForwarded, {"for=198.51.100.1", "for=203.0.113.9", "for=10.2.2.2"}),
            "203.0.113.9");
}

TEST(ClientInfo, RealIpIsOneAddressOrNothing) {
  EXPECT_EQ(origin_by(ClientAddress::kXRealIp, {"203.0.113.9"}), "203.0.113.9");
  EXPECT_EQ(origin_by(ClientAddress::kXRealIp, {"2001:db8::1"}), "2001:db8::1");
  EXPECT_EQ(origin_by(ClientAddress::kXRealIp, {"198.51.100.1", "203.0.113.9"}), "10.1.1.1");
  EXPECT_EQ(origin_by(ClientAddress::kXRealIp, {"198.51.100.1, 203.0.113.9"}), "10.1.1.1");
  EXPECT_EQ(origin_by(ClientAddress::kXRealIp, {"unknown"}), "10.1.1.1");
  EXPECT_EQ(origin_by(ClientAddress::kXRealIp, {}), "10.1.1.1");
}

TEST(ClientInfo, NoMoreThanThirtyTwoHopsAreWalked) {
  std::string hops = "203.0.113.9";
  for (int i = 0; i < 1000; ++i) hops += ", 10.0.0." + std::to_string(i % 250);
  EXPECT_TRUE(origin("10.1.1.1:1000", {hops.c_str()}).starts_with("10.0.0."));
}

}  // namespace
}  // namespace gatehouse
