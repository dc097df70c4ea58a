#include "proxy/frontend/quic/quic_opened_packet.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::string_literals;

bool resets(std::string_view payload) {
  return QuicOpenedPacket::resets_our_stream({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
}

const std::string kReset = "\x04\x03\0\0"s;

TEST(QuicOpenedPacket, FindsAResetOfAStreamOfOurs) {
  EXPECT_TRUE(resets(kReset));
  EXPECT_TRUE(resets("\x04\x47\xff\0\0"s)) << "stream 0x7ff";
  for (const char* other : {"\x04\x00", "\x04\x01", "\x04\x02"}) {
    EXPECT_FALSE(resets(std::string(other, 2) + "\0\0"s));
  }
  EXPECT_FALSE(resets(""));
}

TEST(QuicOpenedPacket, FindsItBehindWhatMayStandInFrontOfIt) {
  const std::string frames[] = {
      "\0\0\0"s,                        // PADDING
      "\x01",                           // PING
      "\x02\x09\x01\x02\x01\0\0\0\0"s,  // ACK with two ranges
      "\x03\x09\x01\0\x01\1\2\3"s,      // ACK with marks
      "\x04\x02\0\0"s,                  // RESET_STREAM of the client's own
      "\x05\x03\0"s,
      "\x06\0\x03xyz"s,
      "\x0a\0\x02\x04\x03"s,  // STREAM, whose data look like it
      "\x0e\0\x05\x01z"s,
      "\x10\x40\xff",
      "\x11\0\x01"s,
      "\x12\x01",
      "\x18\x05\0\x04idid0123456789abcdef"s,
      "\x19\0"s,
      "\x1axyzuvwst",  // PATH_CHALLENGE
  };
  std::string all;
  for (const std::string& frame : frames) {
    EXPECT_TRUE(resets(frame + kReset)) << static_cast<int>(frame[0]);
    EXPECT_FALSE(resets(frame)) << static_cast<int>(frame[0]);
    all += frame;
  }
  EXPECT_TRUE(resets(all + kReset));
}

TEST(QuicOpenedPacket, FindsNothingInDataAndBehindFramesThatNobodyKnows) {
  EXPECT_FALSE(resets("\x08\0"s + kReset)) << "STREAM to the end of the packet";
  EXPECT_FALSE(resets("\x06\0\x04"s + kReset));
  EXPECT_FALSE(resets("\x42"s + kReset));
  EXPECT_FALSE(resets("\x1e"s + kReset)) << "HANDSHAKE_DONE is a violation itself";
}

TEST(QuicOpenedPacket, StopsWhereAFrameIsCutShort) {
  for (const std::string& frame : {"\x04"s, "\x02\x09\x01\x7f\xff\0"s, "\x06\0\x7f\xff"s, "\x18\0\0"s, "\x0e\0\xff"s}) {
    for (std::size_t size = 0; size <= frame.size(); ++size) EXPECT_FALSE(resets(frame.substr(0, size)));
  }
}

}  // namespace
}  // namespace gatehouse
