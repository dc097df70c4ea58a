// What breaks the rules of HTTP/3 or QPACK ends the connection, each with its code (RFC 9114 section 8.1, RFC 9204
// section 6).
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/h3_session_world.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kControl = 2;
constexpr std::int64_t kOther = 6;
constexpr char kData = 0;
constexpr char kHeaders = 1;
constexpr char kCancelPush = 3;
constexpr char kSettings = 4;
constexpr char kGoaway = 7;
constexpr char kMaxPushId = 0xd;

struct Broken {
  std::string name;
  std::uint64_t code;
  // On the client's control stream, with its type.
  std::string control;
  // On another unidirectional stream, with its type; and on the first request stream.
  std::string other = {};
  std::string request = {};
  bool fin = false;
};

std::string said(const std::string& frames) {
  return "\0"s + h3_frame(kSettings, "") + frames;
}

std::string priority_update(std::uint64_t element, const std::string& value, char last = '\0') {
  const std::string payload = std::string{static_cast<char>(0x40 | element >> 8U), static_cast<char>(element)} + value;
  return "\x80\x0f\x07"s + last + std::string(1, static_cast<char>(payload.size())) + payload;
}

std::vector<Broken> broken_control_streams() {
  return {
      {"NoSettingsFirst", 0x10a, "\0"s + h3_frame(kGoaway, "\0"s)},
      {"UnknownFrameBeforeSettings", 0x10a, "\0"s + h3_frame('\x21', "")},
      {"SettingsTwice", 0x105, said(h3_frame(kSettings, ""))},
      {"SettingTwice", 0x109, "\0"s + h3_frame(kSettings, "\6\1\6\1")},
      {"UnknownSettingTwice", 0x109, "\0"s + h3_frame(kSettings, "\x21\1\x21\1")},
      {"EnablePush", 0x109, "\0"s + h3_frame(kSettings, "\2\0"s)},
      {"MaxConcurrentStreams", 0x109, "\0"s + h3_frame(kSettings, "\3\1")},
      {"InitialWindowSize", 0x109, "\0"s + h3_frame(kSettings, "\4\1")},
      {"MaxFrameSize", 0x109, "\0"s + h3_frame(kSettings, "\5\1")},
      {"DatagramsByHalf", 0x109, "\0"s + h3_frame(kSettings, "\x33\2")},
      {"SettingWithoutValue", 0x106, "\0"s + h3_frame(kSettings, "\6")},
      {"EndlessSettings", 0x107, "\0\4\x80\1\0\0"s},
      {"DataOnControl", 0x105, said(h3_frame(kData, "x"))},
      {"HeadersOnControl", 0x105, said(h3_frame(kHeaders, "\0\0"s))},
      {"PushPromiseOnControl", 0x105, said(h3_frame('\5', "\0"s))},
      {"PriorityOfHttpTwo", 0x105, said(h3_frame('\2', ""))},
      {"PingOfHttpTwo", 0x105, said(h3_frame('\6', ""))},
      {"UnknownPushCancelled", 0x108, said(h3_frame(kCancelPush, "\0"s))},
      {"PushCancelledThatMayBe", 0x108, said(h3_frame(kMaxPushId, "\x0a") + h3_frame(kCancelPush, "\1"))},
      {"MaxPushIdDecreases", 0x108, said(h3_frame(kMaxPushId, "\x0a") + h3_frame(kMaxPushId, "\x09"))},
      {"MaxPushIdWithMore", 0x106, said(h3_frame(kMaxPushId, "\x0a\x0a"))},
      {"MaxPushIdCutShort", 0x106, said(h3_frame(kMaxPushId, "\x40"))},
      {"EmptyMaxPushId", 0x106, said(h3_frame(kMaxPushId, ""))},
      {"GoawayIncreases", 0x108, said(h3_frame(kGoaway, "\4") + h3_frame(kGoaway, "\x08"))},
      {"EmptyGoaway", 0x106, said(h3_frame(kGoaway, ""))},
      {"LongGoaway", 0x106, said(h3_frame(kGoaway, std::string(9, '\0')))},
      {"PriorityOfAFarStream", 0x108, said(priority_update(400, "u=1"))},
      {"PriorityOfNoRequest", 0x108, said(priority_update(2, "u=1"))},
      {"PriorityOfAPush", 0x108, said(priority_update(0, "u=1", '\1'))},
      {"ControlEnds", 0x104, said(""), "", "", true},
  };
}

std::vector<Broken> broken_streams_beside() {
  return {
      {"SecondControl", 0x103, said(""), said("")},
      {"Push", 0x103, said(""), "\1\0"s},
      {"EncoderEnds", 0x104, said(""), "\2", "", true},
      {"DecoderEnds", 0x104, said(""), "\3", "", true},
      {"CapacityBeyondOurs", 0x201, said(""), "\2" + prefixed(4097, 5, 0x20)},
      {"NameOfNoEntry", 0x201, said(""), "\2" + prefixed(4096, 5, 0x20) + "\x80\0"s},
      {"NameBeyondTheTable", 0x107, said(""), qpack_encoder_stream(std::string(3000, 'a'), "b")},
      {"EntryBeyondTheTable", 0x201, said(""), qpack_encoder_stream("a", std::string(4096, 'b'))},
      {"IncrementOfNothing", 0x202, said(""), "\3\0"s},
      {"IncrementBeyondWhatWasSent", 0x202, said(""), "\3" + prefixed(1000, 6, 0)},
      {"AcknowledgementOfNothing", 0x202, said(""), "\3\x80"},
  };
}

std::vector<Broken> broken_requests() {
  const std::string head = h3_head(h3_request("POST"));
  const std::string trailers = h3_head({{"a", "b"}});
  return {
      {"StaticIndexOutOfRange", 0x200, said(""), "", h3_frame(kHeaders, "\0\0\xff\x7f"s)},
      {"EntryThatIsNotThere", 0x200, said(""), "", h3_frame(kHeaders, "\0\0\x80"s)},
      {"InsertCountBeyondTheTable", 0x200, said(""), "", h3_frame(kHeaders, "\xff\xff\xff\x7f\0\x80"s)},
      {"SectionCutShort", 0x200, said(""), "", h3_frame(kHeaders, "\0\0\x27\xff"s)},
      {"PrefixCutShort", 0x200, said(""), "", h3_frame(kHeaders, "\0"s)},
      {"DataBeforeHeaders", 0x105, said(""), "", h3_frame(kData, "hello")},
      {"DataBehindTrailers", 0x105, said(""), "", head + trailers + h3_frame(kData, "x")},
      {"ThirdHeaders", 0x105, said(""), "", head + trailers + trailers},
      {"SettingsOnARequest", 0x105, said(""), "", h3_frame(kSettings, "")},
      {"GoawayOnARequest", 0x105, said(""), "", head + h3_frame(kGoaway, "\0"s)},
      {"MaxPushIdOnARequest", 0x105, said(""), "", head + h3_frame(kMaxPushId, "\0"s)},
      {"CancelPushOnARequest", 0x105, said(""), "", head + h3_frame(kCancelPush, "\0"s)},
      {"PushPromiseOnARequest", 0x105, said(""), "", head + h3_frame('\5', "\0"s)},
      {"PriorityOnARequest", 0x105, said(""), "", head + priority_update(0, "u=1")},
      {"WindowUpdateOnARequest", 0x105, said(""), "", head + h3_frame('\x08', "")},
      {"ContinuationOnARequest", 0x105, said(""), "", head + h3_frame('\x09', "")},
      {"HeadersCutShort", 0x106, said(""), "", "\1\x10\0\0"s, true},
      {"DataCutShort", 0x106, said(""), "", head + "\0\x10hello"s, true},
      {"UnknownFrameCutShort", 0x106, said(""), "", head + "\x21\x10hello"s, true},
      {"FrameWithoutLength", 0x106, said(""), "", head + "\0"s, true},
      {"TypeCutShort", 0x106, said(""), "", head + "\x40"s, true},
  };
}

class H3CodesTest : public ::testing::TestWithParam<Broken> {
 protected:
  // All in turn, in pieces of `step` bytes.
  static std::optional<std::uint64_t> play(std::size_t step) {
    H3SessionWorld world;
    const Broken& broken = GetParam();
    const std::pair<std::int64_t, const std::string*> streams[] = {
        {kControl, &broken.control}, {kOther, &broken.other}, {0, &broken.request}};
    std::int64_t last = kControl;
    std::optional<std::uint64_t> code;
    for (const auto& [stream, bytes] : streams) {
      if (!bytes->empty()) last = stream;
      for (std::size_t at = 0; at < bytes->size() && !code; at += step) {
        code = world.receive(stream, std::string_view(*bytes).substr(at, step));
      }
    }
    if (!code && broken.fin) code = world.receive(last, "", true);
    return code;
  }
};

TEST_P(H3CodesTest, EndsTheConnection) {
  EXPECT_EQ(play(1000), GetParam().code);
}

TEST_P(H3CodesTest, EndsTheConnectionHoweverItIsCut) {
  EXPECT_EQ(play(1), GetParam().code);
}

constexpr auto kByName = [](const auto& test) { return test.param.name; };
INSTANTIATE_TEST_SUITE_P(OfControlStreams, H3CodesTest, ::testing::ValuesIn(broken_control_streams()), kByName);
INSTANTIATE_TEST_SUITE_P(OfStreamsBeside, H3CodesTest, ::testing::ValuesIn(broken_streams_beside()), kByName);
INSTANTIATE_TEST_SUITE_P(OfRequests, H3CodesTest, ::testing::ValuesIn(broken_requests()), kByName);

TEST(H3Codes, SecondStreamsOfTheTableAreOneTooMany) {
  for (const std::string& type : {"\2"s, "\3"s}) {
    H3SessionWorld world;
    EXPECT_EQ(world.receive(6, type), std::nullopt);
    EXPECT_EQ(world.receive(10, type), 0x103U);
  }
}

TEST(H3Codes, ResettingAStreamThatTheConnectionNeedsEndsIt) {
  for (const std::string& type : {"\0"s, "\2"s, "\3"s}) {
    H3SessionWorld world;
    EXPECT_EQ(world.receive(6, type), std::nullopt);
    world.session->client_reset(6);
    EXPECT_EQ(world.end(6), 0x104U);
  }
}

TEST(H3Codes, EndingOneOfOurStreamsEndsTheConnection) {
  for (const std::int64_t stream : {3, 7, 11}) {
    H3SessionWorld world;
    world.send_all();
    EXPECT_EQ(world.end(stream), 0x104U);
  }
}

TEST(H3Codes, StreamsOfUnknownTypesMayComeAndGo) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(2, "\x21grease"), std::nullopt);
  EXPECT_EQ(world.transport.stop_codes, (std::map<std::int64_t, std::uint64_t>{{2, 0x103}}));
  EXPECT_EQ(world.end(2), std::nullopt);
  EXPECT_EQ(world.receive(6, "", true), std::nullopt) << "none at all";
  EXPECT_EQ(world.end(6), std::nullopt);
  EXPECT_EQ(world.receive(10, "\x40"), std::nullopt) << "reset before its type";
  world.session->client_reset(10);
  EXPECT_EQ(world.end(10), std::nullopt);
}

TEST(H3Codes, SettingsOfHonestClientsAreFine) {
  H3SessionWorld world;
  const std::string settings = "\1\x50\0\6\x60\0\7\x10\x08\1\x33\1\x40\x5f\x2a"s;
  EXPECT_EQ(world.receive(2, "\0"s + h3_frame(kSettings, settings) + h3_frame(kMaxPushId, "\x08") +
                                 h3_frame(kMaxPushId, "\x08") + h3_frame(kGoaway, "\x08") + h3_frame(kGoaway, "\4")),
            std::nullopt);
}

}  // namespace
}  // namespace gatehouse::testing_support
