// Frames that are legal and mean little: so many of them that only an attacker sends them end the connection, and honest
// clients may send theirs (RFC 9114 section 10.5).
#include <string>

#include <gtest/gtest.h>

#include "tests/support/h3_session_world.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kControl = 2;
constexpr char kData = 0;
constexpr char kSettings = 4;
constexpr char kGoaway = 7;
constexpr char kMaxPushId = 0xd;
constexpr char kGrease = 0x21;

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string priority_update(std::uint64_t element, const std::string& value) {
  const std::string payload = std::string{static_cast<char>(0x40 | element >> 8U), static_cast<char>(element)} + value;
  return "\x80\x0f\x07\0"s + std::string(1, static_cast<char>(payload.size())) + payload;
}

class H3FloodsTest : public ::testing::Test {
 protected:
  H3FloodsTest() { world.receive(kControl, "\0"s + h3_frame(kSettings, "")); }

  void expect_cut(std::int64_t stream, const std::string& flood, Abuse why) {
    world.receive(stream, flood);
    EXPECT_EQ(world.transport.finished, NGHTTP3_H3_EXCESSIVE_LOAD);
    EXPECT_EQ(world.cut(why), 1U);
  }
  void expect_fine(std::int64_t stream, const std::string& bytes) {
    EXPECT_EQ(world.receive(stream, bytes), std::nullopt);
  }

  H3SessionWorld world;
};

TEST_F(H3FloodsTest, EmptyDataFrames) {
  const std::string empty = h3_frame(kData, "");
  const std::string head = h3_head(h3_request("POST"));
  expect_fine(0, head + repeated(empty, AbuseGuard::kMostEmptyFrames));
  expect_cut(4, head + repeated(empty, AbuseGuard::kMostEmptyFrames + 1), Abuse::kEmptyFrame);
}

TEST_F(H3FloodsTest, MaxPushId) {
  expect_fine(kControl, repeated(h3_frame(kMaxPushId, "\x08"), 50));
  expect_cut(kControl, repeated(h3_frame(kMaxPushId, "\x08"), 100), Abuse::kControl);
}

TEST_F(H3FloodsTest, Goaway) {
  expect_cut(kControl, repeated(h3_frame(kGoaway, "\x08"), 200), Abuse::kControl);
}

TEST_F(H3FloodsTest, UnknownFramesOnTheControlStream) {
  expect_fine(kControl, repeated(h3_frame(kGrease, "x"), 900));
  expect_cut(kControl, repeated(h3_frame(kGrease, ""), 200), Abuse::kOther);
}

TEST_F(H3FloodsTest, UnknownFramesOnARequest) {
  expect_cut(0, h3_head(h3_request("POST")) + repeated(h3_frame(kGrease, ""), 1100), Abuse::kOther);
}

TEST_F(H3FloodsTest, UnknownStreams) {
  std::int64_t stream = 6;
  for (; stream < 4 * 2000 && !world.transport.finished; stream += 4) {
    world.receive(stream, "\x21");
    world.session->client_reset(stream);
    EXPECT_EQ(world.end(stream), std::nullopt);
  }
  EXPECT_EQ(world.transport.finished, NGHTTP3_H3_EXCESSIVE_LOAD);
  EXPECT_EQ(world.cut(Abuse::kOther), 1U);
}

TEST_F(H3FloodsTest, PrioritiesOfOneStream) {
  expect_fine(kControl, repeated(priority_update(0, "u=1"), 900));
  expect_cut(kControl, repeated(priority_update(0, "u=2, i"), 200), Abuse::kOther);
}

TEST_F(H3FloodsTest, APriorityAndAnUnknownFrameWithEachRequestAreFine) {
  constexpr std::int64_t kRequests = 3000;
  for (std::int64_t i = 0; i < kRequests; ++i) {
    ASSERT_EQ(world.receive(kControl, priority_update(4 * static_cast<std::uint64_t>(i) % 0x3fff / 4 * 4, "u=1")),
              std::nullopt)
        << i;
    ASSERT_EQ(world.receive(4 * i, h3_frame(kGrease, "x") + h3_head(h3_request("GET")), true), std::nullopt) << i;
    world.send_all();
    world.close(4 * i);
  }
  EXPECT_EQ(world.begun, kRequests);
}

}  // namespace
}  // namespace gatehouse::testing_support
