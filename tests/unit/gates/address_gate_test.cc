// allow and deny: what is in neither, in both, in ranges within ranges; and the same answers as asking range by range.
#include "proxy/gates/address_gate.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Texts = std::vector<std::string>;

std::vector<AddressRange> ranges(const Texts& texts) {
  std::vector<AddressRange> out;
  for (const std::string& text : texts) out.push_back(AddressRange::parse(text).value());
  return out;
}

Address client(const std::string& text) {
  return Address::parse(text).value();
}

std::string decided(const AddressGate& gate, const std::string& address) {
  const AddressGate::Decision decision = gate.decide(client(address));
  EXPECT_EQ(gate.admits(client(address)), decision.passes);
  return std::format("{}{}", decision.passes ? "passes" : "refused",
                     decision.by != nullptr ? " by " + decision.by->to_string() : "");
}

TEST(AddressGate, WithoutEntriesEverybodyPasses) {
  const AddressGate gate;
  EXPECT_TRUE(gate.open());
  EXPECT_TRUE(gate.admits(client("192.0.2.1:1")));
  EXPECT_TRUE(gate.admits(client("unix:/x")));
  EXPECT_TRUE(gate.admits(Address()));
  EXPECT_TRUE(AddressGate({}, {}).open());
}

TEST(AddressGate, AllowLetsNobodyElsePass) {
  const AddressGate gate(ranges({"10.0.0.0/8", "2001:db8::/32", "192.0.2.7"}), {});
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(decided(gate, "10.0.0.0:1"), "passes by 10.0.0.0/8");
  EXPECT_EQ(decided(gate, "10.255.255.255:1"), "passes by 10.0.0.0/8");
  EXPECT_EQ(decided(gate, "11.0.0.0:1"), "refused");
  EXPECT_EQ(decided(gate, "9.255.255.255:1"), "refused");
  EXPECT_EQ(decided(gate, "192.0.2.7:1"), "passes by 192.0.2.7/32");
  EXPECT_EQ(decided(gate, "192.0.2.8:1"), "refused");
  EXPECT_EQ(decided(gate, "[2001:db8:ffff::1]:1"), "passes by 2001:db8::/32");
  EXPECT_EQ(decided(gate, "[2001:db9::]:1"), "refused");
}

TEST(AddressGate, DenyComesFirst) {
  const AddressGate gate(ranges({"10.0.0.0/8"}), ranges({"10.1.0.0/16"}));
  EXPECT_EQ(decided(gate, "10.1.2.3:1"), "refused by 10.1.0.0/16");
  EXPECT_EQ(decided(gate, "10.2.2.3:1"), "passes by 10.0.0.0/8");
  EXPECT_EQ(decided(gate, "192.0.2.1:1"), "refused");
}

TEST(AddressGate, DenyAloneLetsTheRestPass) {
  const AddressGate gate({}, ranges({"192.0.2.0/24"}));
  EXPECT_EQ(decided(gate, "192.0.2.1:1"), "refused by 192.0.2.0/24");
  EXPECT_EQ(decided(gate, "192.0.3.1:1"), "passes");
}

TEST(AddressGate, AMappedAddressIsItsIpv4AddressAndNoOtherIpv6AddressIs) {
  const AddressGate gate(ranges({"10.0.0.0/8", "::ffff:192.0.2.0/120"}), {});
  EXPECT_EQ(decided(gate, "[::ffff:10.1.2.3]:1"), "passes by 10.0.0.0/8");
  EXPECT_EQ(decided(gate, "192.0.2.9:1"), "passes by 192.0.2.0/24");
  EXPECT_EQ(decided(gate, "[a00::1]:1"), "refused");
  const AddressGate every_v6(ranges({"::/0"}), {});
  EXPECT_EQ(decided(every_v6, "10.0.0.1:1"), "refused");
  EXPECT_EQ(decided(every_v6, "[::ffff:10.0.0.1]:1"), "refused");
  EXPECT_EQ(decided(every_v6, "[ffff::]:1"), "passes by ::/0");
  const AddressGate every_v4(ranges({"0.0.0.0/0"}), {});
  EXPECT_EQ(decided(every_v4, "255.255.255.255:1"), "passes by 0.0.0.0/0");
  EXPECT_EQ(decided(every_v4, "[::1]:1"), "refused");
}

TEST(AddressGate, AClientOfAUnixSocketIsMatchedByUnixAlone) {
  const Texts all{"0.0.0.0/0", "::/0"};
  EXPECT_EQ(decided(AddressGate(ranges(all), {}), "unix:/x"), "refused");
  EXPECT_EQ(decided(AddressGate({}, ranges(all)), "unix:/x"), "passes");
  EXPECT_EQ(decided(AddressGate(ranges({"unix"}), {}), "unix:/x"), "passes by unix");
  EXPECT_EQ(decided(AddressGate({}, ranges({"unix"})), "unix:/x"), "refused by unix");
  EXPECT_EQ(decided(AddressGate(ranges({"unix"}), {}), "10.0.0.1:1"), "refused");
  EXPECT_FALSE(AddressGate(ranges(all), {}).admits(Address())) << "no address at all";
}

TEST(AddressGate, TheWidestOfRangesWithinRangesDecides) {
  const AddressGate gate(ranges({"10.1.2.3", "10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/24"}), {});
  for (const char* const address : {"10.0.0.1:1", "10.1.2.3:1", "10.1.2.4:1", "10.255.0.0:1"}) {
    EXPECT_EQ(decided(gate, address), "passes by 10.0.0.0/8") << address;
  }
}

TEST(AddressGate, DecidesAsOneRangeAfterTheOtherWould) {
  std::mt19937 random(7);
  const auto below = [&](unsigned end) { return static_cast<unsigned>(random()) % end; };
  const auto v4 = [&] { return std::format("{}.{}.{}.{}", below(3), below(3), below(256), below(256)); };
  const auto v6 = [&] { return std::format("{}::{}:{:x}", below(3) + 1, below(3), below(65536)); };
  Texts texts;
  for (int i = 0; i < 300; ++i) {
    texts.push_back(std::format("{}/{}", v4(), 20 + below(13)));
    texts.push_back(std::format("{}/{}", v6(), 112 + below(17)));
  }
  const std::vector<AddressRange> all = ranges(texts);
  const AddressGate gate(all, {});
  int inside = 0;
  for (int i = 0; i < 4000; ++i) {
    const Address address = client(i % 2 == 0 ? v4() + ":1" : "[" + v6() + "]:1");
    const bool listed = std::ranges::any_of(all, [&](const AddressRange& range) { return range.contains(address); });
    EXPECT_EQ(gate.admits(address), listed) << address.to_string();
    inside += listed ? 1 : 0;
  }
  EXPECT_GT(inside, 100);
  EXPECT_LT(inside, 3900);
}

}  // namespace
}  // namespace gatehouse
