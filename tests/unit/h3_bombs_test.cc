// Small field sections that stand for large heads: what is decoded is bounded, not only what is kept.
#include <gtest/gtest.h>

#include "tests/support/bombs.h"
#include "tests/support/h3_session_world.h"

namespace gatehouse::testing_support {
namespace {

constexpr char kData = 0;
constexpr char kHeaders = 1;
constexpr std::int64_t kEncoder = 6;
constexpr std::size_t kJustBelow = 60;
constexpr std::size_t kTooMany = 66;

std::uint64_t cut(const FrontendWorld& world, Abuse why) {
  return world.counters.cut[static_cast<std::size_t>(why)].value();
}

TEST(H3Bombs, ReferencesFarBeyondTheLimitEndTheConnection) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream()), std::nullopt);
  const auto end = world.receive(0, h3_frame(kHeaders, qpack_head() + qpack_references(16384)), true);
  EXPECT_EQ(end, NGHTTP3_H3_EXCESSIVE_LOAD);
  EXPECT_EQ(cut(world, Abuse::kExcessiveHead), 1U);
  EXPECT_EQ(world.begun, 0);
}

TEST(H3Bombs, TrailersAreNoWayAround) {
  H3SessionWorld world;
  world.script = [](Exchange&) {};
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream()), std::nullopt);
  EXPECT_EQ(world.receive(0, h3_frame(kHeaders, qpack_head())), std::nullopt);
  const std::string trailers = std::string{'\x02', '\0'} + qpack_references(kTooMany);
  EXPECT_EQ(world.receive(0, h3_frame(kData, "body") + h3_frame(kHeaders, trailers), true), NGHTTP3_H3_EXCESSIVE_LOAD);
  EXPECT_EQ(cut(world, Abuse::kExcessiveHead), 1U);
}

TEST(H3Bombs, ManyHeadsJustBelowTheMultipleAreTooManyTogether) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream()), std::nullopt);
  std::optional<std::uint64_t> end;
  std::int64_t stream = 0;
  for (; !end && stream < 4 * 150; stream += 4) {
    end = world.receive(stream, h3_frame(kHeaders, qpack_head() + qpack_references(kJustBelow)), true);
    if (end) break;
    world.send_all();
    world.close(stream);
  }
  EXPECT_EQ(end, NGHTTP3_H3_EXCESSIVE_LOAD);
  EXPECT_LE(stream, 4 * 102);
  EXPECT_EQ(cut(world, Abuse::kOversizedHead), 1U);
}

}  // namespace
}  // namespace gatehouse::testing_support
