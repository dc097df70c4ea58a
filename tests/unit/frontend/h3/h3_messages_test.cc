// Messages that are malformed are the errors of their streams, and of no other (RFC 9114 section 4.1.2).
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/h3_session_world.h"

namespace gatehouse::testing_support {
namespace {

using Codes = std::map<std::int64_t, std::uint64_t>;
using namespace std::string_literals;

constexpr char kData = 0;
constexpr char kHeaders = 1;

struct Malformed {
  std::string name;
  std::string stream;
  Fault fault = Fault::kMalformedRequest;
};

H3Fields with(const std::string& name, const std::string& value) {
  return h3_request("GET", {{name, value}});
}

H3Fields without(std::string_view name) {
  H3Fields fields = h3_request("GET");
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

std::string sized(const std::string& length, const std::string& body) {
  return h3_head(h3_request("POST", {{"content-length", length}})) + (body.empty() ? "" : h3_frame(kData, body));
}

std::string with_trailer(const std::string& name, const std::string& value) {
  return h3_head(h3_request("POST")) + h3_frame(kData, "body") + h3_head({{name, value}});
}

std::vector<Malformed> malformed() {
  std::vector<Malformed> all = {
      {"CrInAValue", h3_head(with("a", "b\rc"))},
      {"LfInAValue", h3_head(with("a", "b\nc"))},
      {"NulInAValue", h3_head(with("a", "b\0c"s))},
      {"ControlInAValue", h3_head(with("a", "b\x01"))},
      {"CrLfInAName", h3_head(with("a\r\nx-split", "b"))},
      {"ColonInAName", h3_head(with("a:b", "c"))},
      {"SpaceInAName", h3_head(with("a b", "c"))},
      {"NulInAName", h3_head(with("a\0"s, "b"))},
      {"HighByteInAName", h3_head(with("\x80", "b"))},
      {"UpperCaseName", h3_head(with("Upper", "b"))},
      {"EmptyName", h3_head(with("", "b"))},
      {"UnknownPseudoField", h3_head(with(":unknown", "b"))},
      {"PseudoFieldBehindAnother", h3_head(with("a", "b")) + ""},
      {"PathTwice", h3_head(with(":path", "/b"))},
      {"MethodTwice", h3_head(with(":method", "GET"))},
      {"NoMethod", h3_head(without(":method"))},
      {"NoScheme", h3_head(without(":scheme"))},
      {"NoPath", h3_head(without(":path"))},
      {"NoAuthority", h3_head(without(":authority"))},
      {"Status", h3_head(with(":status", "200"))},
      {"Connection", h3_head(with("connection", "close"))},
      {"TransferEncoding", h3_head(with("transfer-encoding", "chunked"))},
      {"TeOfMore", h3_head(with("te", "gzip"))},
      {"LengthTwice", h3_head(h3_request("POST", {{"content-length", "5"}, {"content-length", "6"}}))},
      {"LengthWithSign", sized("+5", "hello")},
      {"EmptyHead", h3_frame(kHeaders, "")},
      {"LengthAndNothing", sized("5", "")},
      {"LessThanTheLength", sized("50", "hello"), Fault::kRequestBodyInvalid},
      {"MoreThanTheLength", sized("3", "hello"), Fault::kRequestBodyInvalid},
      {"MoreThanNothing", sized("0", "hello"), Fault::kRequestBodyInvalid},
      {"PseudoFieldInTrailers", with_trailer(":path", "/x"), Fault::kRequestBodyInvalid},
      {"CrLfInTrailers", with_trailer("a", "b\r\nc: d"), Fault::kRequestBodyInvalid},
      {"NulInTrailers", with_trailer("a", "b\0"s), Fault::kRequestBodyInvalid},
      {"EmptyNameInTrailers", with_trailer("", "b"), Fault::kRequestBodyInvalid},
      {"UpperCaseInTrailers", with_trailer("A", "b"), Fault::kRequestBodyInvalid},
  };
  H3Fields behind = {{":method", "GET"}, {":scheme", "https"}, {"a", "b"}, {":authority", "a"}, {":path", "/"}};
  for (Malformed& each : all) {
    if (each.name == "PseudoFieldBehindAnother") each.stream = h3_head(behind);
  }
  return all;
}

class H3MalformedTest : public ::testing::TestWithParam<Malformed> {
 protected:
  // Never answers, so that the fault is all that happens.
  static void wait(Exchange& exchange) { (void)take_request_body(exchange); }

  static void expect_reset_alone(H3SessionWorld& world) {
    EXPECT_EQ(world.transport.finished, std::nullopt);
    EXPECT_EQ(world.transport.reset_codes, (Codes{{4, 0x10e}}));
    EXPECT_EQ(world.transport.stop_codes, (Codes{{4, 0x10e}}));
    ASSERT_EQ(world.ended.size(), 1U);
    EXPECT_EQ(world.ended[0].fault, GetParam().fault);
    world.close(4);
    for (Exchange* const exchange : world.live) exchange->respond({.status = 200}, "hello");
    world.settle();
    world.script = [](Exchange& exchange) { exchange.respond({.status = 200}, "hello"); };
    EXPECT_EQ(world.receive(8, h3_head(h3_request("GET")), true), std::nullopt);
    world.send_all();
    EXPECT_EQ(world.ended_by_us, (std::set<std::int64_t>{0, 8})) << "those beside it are served";
  }
};

TEST_P(H3MalformedTest, ResetsItsStreamAlone) {
  H3SessionWorld world;
  world.script = wait;
  EXPECT_EQ(world.receive(0, h3_head(h3_request("GET")), true), std::nullopt);
  EXPECT_EQ(world.receive(4, GetParam().stream, true), std::nullopt);
  expect_reset_alone(world);
}

TEST_P(H3MalformedTest, ResetsItsStreamAloneHoweverItIsCut) {
  H3SessionWorld world;
  world.script = wait;
  EXPECT_EQ(world.receive(0, h3_head(h3_request("GET")), true), std::nullopt);
  for (const char byte : GetParam().stream) EXPECT_EQ(world.receive(4, {&byte, 1}), std::nullopt);
  if (world.transport.resets == 0) {
    EXPECT_EQ(world.receive(4, "", true), std::nullopt);
  }
  // An end that comes by itself leaves the head to promise a body that does not come.
  if (GetParam().name == "LengthAndNothing") {
    EXPECT_EQ(world.transport.reset_codes, (Codes{{4, 0x10e}}));
    return;
  }
  expect_reset_alone(world);
}

INSTANTIATE_TEST_SUITE_P(Messages, H3MalformedTest, ::testing::ValuesIn(malformed()),
                         [](const auto& test) { return test.param.name; });

TEST(H3Messages, AnEndWithoutAHeadIsAnIncompleteRequest) {
  H3SessionWorld world;
  EXPECT_EQ(world.receive(0, "", true), std::nullopt);
  EXPECT_EQ(world.receive(4, h3_frame('\x21', "grease"), true), std::nullopt);
  EXPECT_EQ(world.transport.reset_codes, (Codes{{0, 0x10d}, {4, 0x10d}}));
}

TEST(H3Messages, WhatComesBehindAMalformedHeadIsCreditedAndNotRead) {
  H3SessionWorld world;
  const std::string stream = h3_head(with("a", "b\r")) + h3_frame(kData, "body") + h3_frame('\4', "no SETTINGS");
  EXPECT_EQ(world.receive(0, stream, true), std::nullopt);
  EXPECT_EQ(world.receive(4, stream.substr(0, stream.size() - 3)), std::nullopt);
  EXPECT_EQ(world.transport.finished, std::nullopt);
}

TEST(H3Messages, WhatIsOddAndRightIsServed) {
  const std::string grease = h3_frame('\x21', std::string(100, 'g'));
  const std::vector<std::string> streams = {
      grease + h3_head(h3_request("POST")) + grease + h3_frame(kData, "hel") + grease + h3_frame(kData, "") +
          h3_frame(kData, "lo") + grease,
      sized("5", "hello"),
      h3_head(h3_request("POST")) + h3_frame(kData, "hello") + h3_head({{"a", "b"}}),
      h3_head(h3_request("POST")) + h3_frame(kData, "hello") + h3_frame(kHeaders, "") + grease,
      h3_head(h3_request("POST", {{"te", "trailers"}, {"x", ""}})) + h3_frame(kData, "hello"),
  };
  for (const std::string& stream : streams) {
    H3SessionWorld world;
    std::string body;
    world.script = [&](Exchange& exchange) { body += take_request_body(exchange); };
    for (const char byte : stream) {
      EXPECT_EQ(world.receive(0, {&byte, 1}), std::nullopt);
      if (!world.live.empty()) body += take_request_body(*world.live[0]);
    }
    EXPECT_EQ(world.receive(0, "", true), std::nullopt);
    ASSERT_EQ(world.live.size(), 1U);
    body += take_request_body(*world.live[0]);
    EXPECT_EQ(body, "hello");
    EXPECT_TRUE(world.live[0]->request_pipe().reader().at_end());
    world.settle();
    EXPECT_EQ(world.transport.credited_in_all, stream.size());
  }
}

TEST(H3Messages, RequestsBehindTheLastGoawayAreRejectedAndThoseBeforeItFinish) {
  H3SessionWorld world;
  world.script = [](Exchange&) {};
  EXPECT_EQ(world.receive(0, h3_head(h3_request("GET")), true), std::nullopt);
  world.session->drain();
  EXPECT_EQ(world.receive(4, h3_head(h3_request("GET")), true), std::nullopt) << "it crossed the first GOAWAY";
  world.advance(std::chrono::milliseconds(200));
  EXPECT_EQ(world.receive(8, h3_head(h3_request("POST"))), std::nullopt);
  EXPECT_EQ(world.transport.reset_codes, (Codes{{8, 0x10b}}));
  EXPECT_EQ(world.transport.stop_codes, (Codes{{8, 0x10b}}));
  ASSERT_EQ(world.live.size(), 2U);
  for (Exchange* const exchange : world.live) exchange->respond({.status = 200}, "hello");
  world.settle();
  world.send_all();
  EXPECT_EQ(world.ended_by_us, (std::set<std::int64_t>{0, 4}));
}

TEST(H3Messages, AnAnswerThatRefusesABodyIsNotTakenBackForItsLength) {
  for (const std::string& body : {""s, h3_frame(kData, std::string(20, 'b'))}) {
    H3SessionWorld world;
    world.script = [](Exchange& exchange) { exchange.fail(Fault::kBodyTooLarge); };
    EXPECT_EQ(world.receive(0, h3_head(h3_request("POST", {{"content-length", "15"}}))), std::nullopt);
    EXPECT_EQ(world.receive(0, body, true), std::nullopt);
    world.send_all();
    ASSERT_EQ(world.ended.size(), 1U);
    EXPECT_EQ(world.ended[0].status, 413);
    EXPECT_EQ(world.transport.resets, 0U);
    EXPECT_TRUE(world.ended_by_us.contains(0));
  }
}

TEST(H3Messages, OneThatMakesUsResetAllItAsksForIsCut) {
  H3SessionWorld world;
  std::int64_t stream = 0;
  for (; stream < 4 * 150 && !world.transport.finished; stream += 4) {
    world.receive(stream, h3_head(with("a", "b\r")), true);
    world.close(stream);
  }
  EXPECT_EQ(world.transport.finished, 0x107U);
  EXPECT_LE(stream, 4 * 102);
  EXPECT_EQ(world.cut(Abuse::kForcedReset), 1U);
}

}  // namespace
}  // namespace gatehouse::testing_support
