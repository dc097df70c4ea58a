// The PROXY header as bytes: what is one, what never will be, and what it says.
#include "proxy/frontend/accept/proxy_header.h"

#include <sys/socket.h>

#include <format>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::string_literals;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string big_endian(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xffU)};
}

std::string v2(unsigned char command, unsigned char family, const std::string& rest) {
  return std::string(kSignature) + static_cast<char>(command) + static_cast<char>(family) + big_endian(rest.size()) +
         rest;
}

std::string tlv(unsigned char type, const std::string& value) {
  return static_cast<char>(type) + big_endian(value.size()) + value;
}

const std::string kV4 = "\xcb\x00\x71\x07\xc6\x33\x64\x01\x8b\x3e\x01\xbb"s;  // 203.0.113.7:35646, 198.51.100.1:443
const std::string kV6 =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\x8b\x3e\x01\xbb"s;

std::string unix_pair(std::string source, std::string destination) {
  source.resize(108);
  destination.resize(108);
  return source + destination;
}

// What was read, in one line.
std::string said(std::string_view bytes) {
  const auto read = proxy_header::read(bytes);
  if (!read) return std::string(label(read.error()));
  if (!*read) return "more";
  const proxy_header::Header& header = **read;
  std::string text = std::format("{}", header.size);
  text +=
      header.source ? std::format(" {} -> {}", header.source->to_string(), header.destination->to_string()) : " own";
  if (!header.authority.empty()) text += " authority=" + header.authority;
  if (!header.alpn.empty()) text += " alpn=" + header.alpn;
  if (!header.unique_id.empty()) text += " id=" + header.unique_id;
  return text;
}

struct Case {
  const char* name;
  std::string bytes;
  std::string expected;
};

const std::string kClient = "203.0.113.7:35646 -> 198.51.100.1:443";

std::vector<Case> lines_that_are_one() {
  return {
      {"V1OfIpv4", "PROXY TCP4 203.0.113.7 198.51.100.1 35646 443\r\nGET", "47 " + kClient},
      {"V1OfIpv6", "PROXY TCP6 2001:db8::1 2001:db8::2 35646 443\r\n", "46 [2001:db8::1]:35646 -> [2001:db8::2]:443"},
      {"V1OfIpv6ThatIsMapped", "PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "39 203.0.113.7:1 -> [::1]:2"},
      {"V1Unknown", "PROXY UNKNOWN\r\n", "15 own"},
      {"V1UnknownWithAddresses", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", "43 own"},
      {"V1OfTheGreatestLength",
       "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "107 own"},
      {"V1ThatIsOneLonger",
       "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n",
       "too_long"},
      {"V1WithoutAnEnd", "PROXY UNKNOWN " + std::string(93, 'x'), "too_long"},
      {"V1WithoutAnEndYet", "PROXY UNKNOWN " + std::string(92, 'x'), "more"},
      {"V1OfPortsAtTheirEnds", "PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n", "36 1.2.3.4:0 -> 5.6.7.8:65535"},
  };
}

std::vector<Case> lines_with_wrong_ports() {
  return {
      {"V1PortTooHigh", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "invalid"},
      {"V1PortTooLong", "PROXY TCP4 1.2.3.4 5.6.7.8 1 000001\r\n", "invalid"},
      {"V1PortWithAZeroBefore", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "invalid"},
      {"V1PortThatIsNone", "PROXY TCP4 1.2.3.4 5.6.7.8 8o 2\r\n", "invalid"},
      {"V1PortWithASign", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", "invalid"},
      {"V1WithoutAPort", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "invalid"},
      {"V1WithAnEmptyPort", "PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", "invalid"},
      {"V1WithOneAddress", "PROXY TCP4 1.2.3.4 1 2\r\n", "invalid"},
      {"V1WithNothing", "PROXY TCP4\r\n", "invalid"},
      {"V1WithMore", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "invalid"},
      {"V1WithASpaceTooMany", "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n", "invalid"},
      {"V1WithASpaceAtTheEnd", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "invalid"},
      {"V1WithATab", "PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n", "invalid"},
  };
}

std::vector<Case> lines_that_are_wrong() {
  return {
      {"V1OfAnotherFamily", "PROXY TCP4 ::1 ::2 1 2\r\n", "invalid"},
      {"V1OfAnotherFamilyTheOtherWay", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "invalid"},
      {"V1OfAnAddressThatIsNone", "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "invalid"},
      {"V1OfAnAddressWithZeros", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", "invalid"},
      {"V1OfAnAddressWithAZone", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "invalid"},
      {"V1OfAName", "PROXY TCP4 localhost 5.6.7.8 1 2\r\n", "invalid"},
      {"V1OfAnUnknownKind", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", "invalid"},
      {"V1OfAKindThatBeginsLikeOne", "PROXY UNKNOWNS\r\n", "invalid"},
      {"V1InLowerCase", "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "missing"},
      {"V1WithLfAlone", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nGET", "invalid"},
      {"V1WithCrAlone", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rG", "invalid"},
      {"V1WithNul", "PROXY TCP4 1.2.3.4 5.6.7.8 1\0 2\r\n"s, "invalid"},
  };
}

std::vector<Case> blocks() {
  return {
      {"V2OfIpv4", v2(0x21, 0x11, kV4) + "GET", "28 " + kClient},
      {"V2OfIpv4OverUdp", v2(0x21, 0x12, kV4), "28 " + kClient},
      {"V2OfIpv6", v2(0x21, 0x21, kV6), "52 [2001:db8::1]:35646 -> [2001:db8::2]:443"},
      {"V2OfUnixSockets", v2(0x21, 0x31, unix_pair("/run/a", "/run/b")), "232 unix:/run/a -> unix:/run/b"},
      {"V2OfUnixSocketsWithoutNames", v2(0x21, 0x31, unix_pair("", "/run/b")), "232 unix: -> unix:/run/b"},
      {"V2OfUnixSocketsThatFillTheirPlace", v2(0x21, 0x31, unix_pair(std::string(108, 'a'), "/b")),
       "232 unix:" + std::string(107, 'a') + " -> unix:/b"},
      {"V2Local", v2(0x20, 0x00, "") + "GET", "16 own"},
      {"V2LocalWithAddresses", v2(0x20, 0x11, kV4), "28 own"},
      {"V2LocalWithLessThanAddresses", v2(0x20, 0x11, "abc"), "19 own"},
      {"V2OfNoFamily", v2(0x21, 0x00, ""), "16 own"},
      {"V2OfNoFamilyWithTlvs", v2(0x21, 0x00, tlv(2, "shop.test")), "28 own authority=shop.test"},
      {"V2OfAnUnknownFamily", v2(0x21, 0x41, kV4), "invalid"},
      {"V2OfAnUnknownTransport", v2(0x21, 0x13, kV4), "invalid"},
      {"V2OfAnUnknownCommand", v2(0x22, 0x11, kV4), "invalid"},
      {"V2OfAnotherVersion", v2(0x31, 0x11, kV4), "invalid"},
      {"V2OfAnotherVersionAtOnce", std::string(kSignature) + '\x11', "invalid"},
      {"V2WithLessThanAddresses", v2(0x21, 0x11, kV4.substr(1)), "invalid"},
      {"V2OfUnixSocketsTooShort", v2(0x21, 0x31, std::string(215, 'a')), "invalid"},
      {"V2TooLong", v2(0x21, 0x11, kV4 + std::string(4069, '\x04')), "too_long"},
      {"V2TooLongAtOnce", std::string(kSignature) + "\x21\x11\xff\xff", "too_long"},
      {"V2OfTheGreatestLength", v2(0x21, 0x11, kV4 + tlv(4, std::string(4065, 'x'))), "4096 " + kClient},
  };
}

std::vector<Case> blocks_with_tlvs() {
  return {
      {"V2WithTlvs", v2(0x21, 0x11, kV4 + tlv(1, "h2") + tlv(2, "shop.test") + tlv(5, "abc") + tlv(4, "pad")),
       "57 " + kClient + " authority=shop.test alpn=h2 id=abc"},
      {"V2WithTlvsOfOthers", v2(0x21, 0x11, kV4 + tlv(0x20, "\x01\0\0\0\0"s) + tlv(0x30, "ns") + tlv(0xea, "x")),
       "45 " + kClient},
      {"V2WithATlvThatIsCut", v2(0x21, 0x11, kV4 + tlv(2, "shop.test").substr(0, 8)), "invalid"},
      {"V2WithATlvWithoutALength", v2(0x21, 0x11, kV4 + "\x02\x00"s), "invalid"},
      {"V2WithALongAuthority", v2(0x21, 0x11, kV4 + tlv(2, std::string(300, 'a'))),
       "331 " + kClient + " authority=" + std::string(255, 'a')},
      {"V2WithALongId", v2(0x21, 0x11, kV4 + tlv(5, std::string(129, 'a'))),
       "160 " + kClient + " id=" + std::string(128, 'a')},
      {"V2WithItsChecksum", v2(0x21, 0x11, kV4 + tlv(3, "\xac\xdb\xd6\x7a")), "35 " + kClient},
      {"V2WithItsChecksumTwice", v2(0x21, 0x11, kV4 + tlv(3, "\xac\xdb\xd6\x7a") + tlv(3, "abcd")), "checksum"},
      {"V2WithAWrongChecksum", v2(0x21, 0x11, kV4 + tlv(3, "abcd")), "checksum"},
      {"V2WithAChecksumOfAnotherSize", v2(0x21, 0x11, kV4 + tlv(3, "abc")), "invalid"},
  };
}

std::vector<Case> beginnings() {
  return {
      {"HttpIsNone", "GET / HTTP/1.1\r\n", "missing"},
      {"TlsIsNone", "\x16\x03\x01\x02", "missing"},
      {"H2IsNone", "PRI * HTTP/2.0\r\n", "missing"},
      {"EmptyLinesMayBeOne", "\r\n\r\n", "more"},
      {"EmptyLinesAreNone", "\r\nGET", "missing"},
      {"NothingMayBeOne", "", "more"},
      {"AWordMayBeOne", "PROXY", "more"},
  };
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& some : {lines_that_are_one(), lines_with_wrong_ports(), lines_that_are_wrong(), blocks(),
                           blocks_with_tlvs(), beginnings()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class ProxyHeader : public testing::TestWithParam<Case> {};

TEST_P(ProxyHeader, Says) {
  EXPECT_EQ(said(GetParam().bytes), GetParam().expected);
}

// One byte at a time there is nothing but "more" before the verdict, which does not change any more.
TEST_P(ProxyHeader, SaysTheSameByteByByte) {
  const Case& row = GetParam();
  std::string before = "more";
  for (std::size_t size = 0; size <= row.bytes.size(); ++size) {
    const std::string now = said(std::string_view(row.bytes).substr(0, size));
    if (before != "more") {
      EXPECT_EQ(now, before) << size;
    }
    before = now;
  }
  EXPECT_EQ(before, row.expected);
}

INSTANTIATE_TEST_SUITE_P(All, ProxyHeader, testing::ValuesIn(cases()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace gatehouse
