// Where a request comes from when proxies have passed it on: only what trusted ones say, from the right.
#include "proxy/http/client_info.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

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

TEST(ClientInfo, NoMoreThanThirtyTwoHopsAreWalked) {
  std::string hops = "203.0.113.9";
  for (int i = 0; i < 1000; ++i) hops += ", 10.0.0." + std::to_string(i % 250);
  EXPECT_TRUE(origin("10.1.1.1:1000", {hops.c_str()}).starts_with("10.0.0."));
}

}  // namespace
}  // namespace gatehouse
