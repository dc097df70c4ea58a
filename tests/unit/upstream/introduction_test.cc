// The PROXY header that we send, as bytes, and read again by what reads that of others.
#include "proxy/upstream/introduction.h"

#include <string>

#include <gtest/gtest.h>

#include "proxy/frontend/accept/proxy_header.h"

namespace gatehouse {
namespace {

using namespace std::string_literals;

Address at(const char* text) {
  return Address::parse(text).value();
}

TEST(Introduction, OfVersionOneIsALine) {
  const auto v1 = [](const char* source, const char* destination) {
    return introduction::of_client(SendProxyProtocol::kV1, at(source), at(destination));
  };
  EXPECT_EQ(v1("203.0.113.7:35646", "198.51.100.1:443"), "PROXY TCP4 203.0.113.7 198.51.100.1 35646 443\r\n");
  EXPECT_EQ(v1("[2001:db8::1]:1", "[2001:db8::2]:2"), "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n");
  EXPECT_EQ(v1("203.0.113.7:1", "[2001:db8::2]:2"), "PROXY TCP6 ::ffff:203.0.113.7 2001:db8::2 1 2\r\n");
  EXPECT_EQ(v1("[2001:db8::1]:1", "198.51.100.1:2"), "PROXY TCP6 2001:db8::1 ::ffff:198.51.100.1 1 2\r\n");
  EXPECT_EQ(v1("[::ffff:203.0.113.7]:1", "198.51.100.1:2"), "PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n");
  EXPECT_EQ(v1("203.0.113.7:1", "unix:/run/app.sock"), "PROXY TCP4 203.0.113.7 0.0.0.0 1 0\r\n");
  EXPECT_EQ(v1("unix:/run/client", "198.51.100.1:2"), "PROXY UNKNOWN\r\n");
}

TEST(Introduction, OfVersionTwoSaysTheSame) {
  const auto header = introduction::of_client(SendProxyProtocol::kV2, at("203.0.113.7:35646"), at("198.51.100.1:443"));
  EXPECT_EQ(header, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc6\x33\x64\x01\x8b\x3e\x01\xbb"s);
  for (const char* source : {"203.0.113.7:35646", "[2001:db8::1]:1", "[::ffff:203.0.113.7]:1"}) {
    for (const char* destination : {"198.51.100.1:443", "[2001:db8::2]:65535"}) {
      const auto text = introduction::of_client(SendProxyProtocol::kV2, at(source), at(destination));
      const auto read = proxy_header::read(text);
      ASSERT_TRUE(read && *read);
      EXPECT_EQ((*read)->size, text.size());
      EXPECT_EQ((*read)->source->host(), at(source).host());
      EXPECT_EQ((*read)->source->port(), at(source).port());
      EXPECT_EQ((*read)->destination->host(), at(destination).host());
      EXPECT_EQ((*read)->destination->port(), at(destination).port());
    }
  }
}

TEST(Introduction, OfOurselvesNamesNobody) {
  EXPECT_EQ(introduction::of_ourselves(SendProxyProtocol::kV1), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(introduction::of_ourselves(SendProxyProtocol::kV2), "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s);
  const auto stranger = introduction::of_client(SendProxyProtocol::kV2, at("unix:/run/client"), at("198.51.100.1:443"));
  EXPECT_EQ(stranger, "\r\n\r\n\0\r\nQUIT\n\x21\0\0\0"s);
}

TEST(Introduction, IsEmptyWhereItIsOff) {
  EXPECT_EQ(introduction::of_ourselves(SendProxyProtocol::kOff), "");
  EXPECT_EQ(introduction::of_client(SendProxyProtocol::kOff, at("1.2.3.4:5"), at("1.2.3.4:6")), "");
}

}  // namespace
}  // namespace gatehouse
