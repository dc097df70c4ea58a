#include "common/address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

Address parsed(std::string_view text) {
  const Result<Address> address = Address::parse(text);
  EXPECT_TRUE(address.has_value()) << text << ": " << (address ? "" : address.error().message);
  return address.value_or(Address());
}

// As a dual-stack socket reports an IPv4 client.
Address mapped(std::uint32_t v4, std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr.s6_addr[10] = 0xFF;
  v6.sin6_addr.s6_addr[11] = 0xFF;
  for (unsigned i = 0; i < 4; ++i) v6.sin6_addr.s6_addr[12 + i] = static_cast<std::uint8_t>(v4 >> (24 - 8 * i));
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
}

TEST(AddressTest, TextFormsAreReadAndWrittenBack) {
  struct Row {
    const char* text;
    int family;
    const char* host;
    std::uint16_t port;
    const char* written;
  };
  const std::vector<Row> rows = {
      {"127.0.0.1:80", AF_INET, "127.0.0.1", 80, "127.0.0.1:80"},
      {"0.0.0.0:0", AF_INET, "0.0.0.0", 0, "0.0.0.0:0"},
      {"[::1]:443", AF_INET6, "::1", 443, "[::1]:443"},
      {"[2001:DB8:0:0::7]:65535", AF_INET6, "2001:db8::7", 65535, "[2001:db8::7]:65535"},
      {":8443", AF_INET6, "::", 8443, "[::]:8443"},
      {"localhost:1", AF_INET, "127.0.0.1", 1, "127.0.0.1:1"},
      {"LocalHost:1", AF_INET, "127.0.0.1", 1, "127.0.0.1:1"},
      {"unix:/run/app.sock", AF_UNIX, "unix:/run/app.sock", 0, "unix:/run/app.sock"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const Address address = parsed(row.text);
    EXPECT_EQ(address.family(), row.family);
    EXPECT_EQ(address.host(), row.host);
    EXPECT_EQ(address.port(), row.port);
    EXPECT_EQ(address.to_string(), row.written);
    EXPECT_EQ(parsed(address.to_string()), address);
  }
}

TEST(AddressTest, WhatIsNoAddressIsRefusedWithTheTextInTheMessage) {
  const std::string too_long = "unix:/" + std::string(120, 'x');
  const std::vector<std::string> wrong = {"",
                                          "80",
                                          "127.0.0.1",
                                          "127.0.0.1:",
                                          "127.0.0.1:x",
                                          "127.0.0.1:-1",
                                          "1.2.3.4:65536",
                                          "1.2.3.4:000080",
                                          "1.2.3:80",
                                          "::1:80",
                                          "[::1]",
                                          "[::1:80",
                                          "[1.2.3.4]:80",
                                          "[fe80::zz]:80",
                                          "example.com:80",
                                          "unix:",
                                          "unix:app.sock",
                                          too_long,
                                          std::string("1.2.3.4\0:80", 11)};
  for (const std::string& text : wrong) {
    const Result<Address> address = Address::parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_TRUE(address.error().message.contains(text)) << address.error().message;
  }
}

TEST(AddressTest, AnIpv4ClientOfADualStackSocketLooksLikeIpv4) {
  const Address address = mapped(0x0A010203, 5000);
  EXPECT_EQ(address.family(), AF_INET6);
  EXPECT_EQ(address.host(), "10.1.2.3");
  EXPECT_EQ(address.to_string(), "10.1.2.3:5000");
  EXPECT_FALSE(address.is_loopback());
  EXPECT_TRUE(mapped(0x7F000001, 1).is_loopback());
}

TEST(AddressTest, KnowsAnyAndLoopback) {
  EXPECT_TRUE(parsed(":80").is_any());
  EXPECT_TRUE(parsed("0.0.0.0:80").is_any());
  EXPECT_FALSE(parsed("127.0.0.1:80").is_any());
  EXPECT_FALSE(parsed("unix:/x").is_any());
  EXPECT_FALSE(Address().is_any());
  EXPECT_TRUE(parsed("127.9.9.9:80").is_loopback());
  EXPECT_TRUE(parsed("[::1]:80").is_loopback());
  EXPECT_TRUE(parsed("unix:/x").is_loopback());
  EXPECT_FALSE(parsed("10.0.0.1:80").is_loopback());
  EXPECT_FALSE(parsed(":80").is_loopback());
}

TEST(AddressTest, ComparesFamilyHostAndPort) {
  EXPECT_EQ(parsed("10.0.0.1:80"), parsed("10.0.0.1:80"));
  EXPECT_NE(parsed("10.0.0.1:80"), parsed("10.0.0.1:81"));
  EXPECT_NE(parsed("10.0.0.1:80"), parsed("10.0.0.2:80"));
  EXPECT_NE(parsed("0.0.0.0:80"), parsed(":80"));
  EXPECT_EQ(parsed("unix:/a"), parsed("unix:/a"));
  EXPECT_NE(parsed("unix:/a"), parsed("unix:/ab"));
  Address moved = parsed("10.0.0.1:80");
  moved.set_port(81);
  EXPECT_EQ(moved, parsed("10.0.0.1:81"));
  moved = parsed("[::1]:80");
  moved.set_port(8080);
  EXPECT_EQ(moved, parsed("[::1]:8080"));
}

TEST(AddressTest, AUnixClientWithoutANameHasAnEmptyPath) {
  sockaddr_un unnamed{};
  unnamed.sun_family = AF_UNIX;
  const Address address(reinterpret_cast<const sockaddr*>(&unnamed), sizeof(sa_family_t));
  EXPECT_TRUE(address.is_unix());
  EXPECT_EQ(address.host(), "unix:");
  EXPECT_EQ(address.path(), "");
  EXPECT_EQ(parsed("unix:/run/app.sock").path(), "/run/app.sock");
}

// It would have contained every IPv6 address.
static_assert(!std::is_default_constructible_v<AddressRange>);

TEST(AddressRangeTest, ContainsWhatItsPrefixCovers) {
  struct Row {
    const char* range;
    const char* inside;
    const char* outside;
  };
  const std::vector<Row> rows = {
      {"10.0.0.0/8", "10.255.0.1:1", "11.0.0.1:1"},
      {"10.1.2.3", "10.1.2.3:1", "10.1.2.4:1"},
      {"192.168.4.0/22", "192.168.7.255:1", "192.168.8.0:1"},
      {"192.168.4.77/22", "192.168.4.1:1", "192.168.3.255:1"},
      {"0.0.0.0/0", "8.8.8.8:1", "[::1]:1"},
      {"::1", "[::1]:1", "[::2]:1"},
      {"fd00::/8", "[fd12::1]:1", "[fe00::1]:1"},
      {"2001:db8:8000::/33", "[2001:db8:ffff::1]:1", "[2001:db8:7fff::1]:1"},
      {"::/0", "[2001::1]:1", "10.0.0.1:1"},
      {"::ffff:10.0.0.0/104", "10.9.9.9:1", "11.0.0.1:1"},
      {"unix", "unix:/any", "127.0.0.1:1"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.range);
    const Result<AddressRange> range = AddressRange::parse(row.range);
    ASSERT_TRUE(range.has_value());
    EXPECT_TRUE(range->contains(parsed(row.inside)));
    EXPECT_FALSE(range->contains(parsed(row.outside)));
    EXPECT_FALSE(range->contains(Address()));
  }
}

TEST(AddressRangeTest, AnIpv4RangeAlsoCoversTheMappedForm) {
  const AddressRange range = AddressRange::parse("10.0.0.0/8").value();
  EXPECT_TRUE(range.contains(mapped(0x0A000001, 1)));
  EXPECT_FALSE(range.contains(mapped(0x0B000001, 1)));
  EXPECT_FALSE(AddressRange::parse("::/0").value().contains(mapped(0x0A000001, 1)));
}

TEST(AddressRangeTest, WhatIsNoRangeIsRefused) {
  for (const char* text : {"", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0/8",
                           "localhost", "10.0.0.0/8/8", "Unix"}) {
    EXPECT_FALSE(AddressRange::parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace gatehouse
