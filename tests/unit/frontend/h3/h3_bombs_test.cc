// Small field sections that stand for large heads: what is decoded is bounded, not only what is kept.
#include <string>
#include <utility>

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

TEST(H3Bombs, AnEntryThatNoMessageMayHaveIsTheErrorOfWhoRefersToIt) {
  const std::pair<std::string, std::string> entries[] = {{"b", std::string(3999, 'v') + "\x01"},
                                                         {"b\x01", std::string(200, 'v')},
                                                         {"host", std::string(3999, 'v') + "/"},
                                                         {"user-agent", "a\x1b[31m"}};
  for (const auto& [name, value] : entries) {
    H3SessionWorld world;
    EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream(name, value)), std::nullopt) << name;
    EXPECT_EQ(world.receive(0, h3_head(h3_request("GET")), true), std::nullopt);
    EXPECT_EQ(world.receive(4, h3_frame(kHeaders, qpack_head() + qpack_references(1)), true), std::nullopt);
    EXPECT_EQ(world.transport.reset_codes, (std::map<std::int64_t, std::uint64_t>{{4, 0x10e}})) << name;
  }
}

TEST(H3Bombs, HowTheTypeOfTheEncodersStreamIsWrittenAndCutMakesNoDifference) {
  const std::string instructions = qpack_encoder_stream("b", "v").substr(1) + prefixed(4097, 5, 0x20);
  for (const std::string& type :
       {std::string{'\x02'}, std::string{'\x40', '\x02'}, std::string{'\x80', 0, 0, '\x02'}}) {
    H3SessionWorld world;
    EXPECT_EQ(world.receive(2, std::string{'\0', '\4', '\0'}), std::nullopt);  // the control stream
    EXPECT_EQ(world.receive(10, "\x21" + instructions), std::nullopt) << "a stream of no known type";
    std::optional<std::uint64_t> end;
    for (const char byte : type + instructions) {
      EXPECT_EQ(end, std::nullopt);
      end = world.receive(kEncoder, {&byte, 1});
    }
    EXPECT_EQ(end, NGHTTP3_QPACK_ENCODER_STREAM_ERROR);
  }
}

TEST(H3Bombs, OrdinaryTablesPassHoweverLongTheyLive) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(kEncoder, qpack_encoder_stream(":path", "/a")), std::nullopt);
  std::string fields;
  for (int i = 0; i < 100; ++i) {
    fields += prefixed(6, 5, 0x40) + "cookie" + prefixed(100, 7, 0) + std::string(97, 'c') + std::to_string(100 + i);
  }
  const std::string request = h3_frame(kHeaders, std::string("\0\0\xd1\xd7\xc1\x50\x01"
                                                             "a",
                                                             8));
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_EQ(world.receive(kEncoder, fields), std::nullopt) << round;
    ASSERT_EQ(world.receive(4 * round, request, true), std::nullopt) << round;
  }
  EXPECT_EQ(world.begun, kRounds);
}

}  // namespace
}  // namespace gatehouse::testing_support
