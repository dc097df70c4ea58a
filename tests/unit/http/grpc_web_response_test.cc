#include "proxy/http/filters/grpc_web_response.h"

#include <format>
#include <vector>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string frame(char flag, std::string_view bytes) {
  std::string out(1, flag);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(bytes.size() >> shift & 0xFFU);
  return out.append(bytes);
}

std::string message(std::string_view bytes) {
  return frame('\x00', bytes);
}
std::string trailers(std::string_view lines) {
  return frame('\x80', lines);
}

struct Outcome {
  std::string body;
  std::string trailers;  // "name: value;" each
  bool broken = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// As a pipe does it: where a push finds a fault, the body ends.
Outcome filtered(std::string_view input, std::size_t piece) {
  GrpcWebResponse filter;
  Outcome out;
  while (!input.empty() && !filter.fault()) {
    out.body += filter.push(Buffer(input.substr(0, piece))).to_string();
    input.remove_prefix(std::min(piece, input.size()));
  }
  FieldList ignored;
  ignored.add("grpc-status", "0");
  for (const Field field : filter.end(std::move(ignored)))
    out.trailers += std::format("{}: {};", field.name, field.value);
  out.broken = filter.fault() == Fault::kGrpcWebInvalid;
  return out;
}

Outcome filtered(std::string_view input) {
  const Outcome whole = filtered(input, input.size() + 1);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 4096U}) {
    EXPECT_EQ(filtered(input, piece), whole) << "in pieces of " << piece;
  }
  return whole;
}

void expect_broken(std::string_view input, std::string_view body) {
  const Outcome out = filtered(input);
  EXPECT_TRUE(out.broken);
  EXPECT_EQ(out.body, body);
  EXPECT_EQ(out.trailers, "grpc-status: 13;grpc-message: The application's answer is not valid.;");
}

constexpr std::string_view kOk = "grpc-status: 0\r\n";

TEST(GrpcWebResponse, MessagesPassAndTheLastFrameBecomesTrailers) {
  const std::string messages = message("one") + frame('\x01', "compressed") + message("") + message("two");
  const Outcome out = filtered(messages + trailers("grpc-status: 0\r\ngrpc-message: fine\r\nx-cost: 3\r\n"));
  EXPECT_EQ(out.body, messages);
  EXPECT_EQ(out.trailers, "grpc-status: 0;grpc-message: fine;x-cost: 3;");
  EXPECT_FALSE(out.broken);
}

TEST(GrpcWebResponse, NothingIsHeldBackOfAMessage) {
  GrpcWebResponse filter;
  const std::string whole = message("hello");
  for (const char c : whole) EXPECT_EQ(filter.push(Buffer(std::string_view(&c, 1))).size(), 1U);
  EXPECT_EQ(filter.fault(), std::nullopt);
}

TEST(GrpcWebResponse, TrailersAloneAreAWholeBody) {
  EXPECT_EQ(filtered(trailers("grpc-status:5")), (Outcome{.trailers = "grpc-status: 5;"}));
}

// The first byte of the length is the flag's twin.
TEST(GrpcWebResponse, LengthThatLooksLikeAFlagIsALength) {
  expect_broken(std::string("\x80\x80\x00\x00\x00", 5), "");
}

TEST(GrpcWebResponse, LargeMessagePassesInManySlabs) {
  const std::string large = message(std::string(300'000, 'x'));
  const Outcome out = filtered(large + trailers(kOk), 70'000);
  EXPECT_EQ(out.body, large);
  EXPECT_EQ(out.trailers, "grpc-status: 0;");
}

TEST(GrpcWebResponse, FieldsThatMayNotBeInTrailersAreDropped) {
  const Outcome out =
      filtered(trailers("grpc-status: 0\r\nContent-Length: 5\r\nX-Reset-Code: 8\r\nSet-Cookie: a=b\r\n"));
  EXPECT_EQ(out.trailers, "grpc-status: 0;");
  EXPECT_FALSE(out.broken);
}

TEST(GrpcWebResponse, BodyWithoutTrailersIsNeverOk) {
  expect_broken("", "");
  expect_broken(message("one"), message("one"));
}

TEST(GrpcWebResponse, BodyThatEndsInTheMiddleIsBroken) {
  const std::string whole = message("one") + trailers(kOk);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Outcome out = filtered(whole.substr(0, size), 3);
    EXPECT_TRUE(out.broken) << size;
    EXPECT_EQ(out.body, whole.substr(0, std::min(size, message("one").size()))) << size;
  }
}

TEST(GrpcWebResponse, NothingMayFollowTheTrailers) {
  const std::string good = message("one") + trailers(kOk);
  expect_broken(good + "x", message("one"));
  expect_broken(good + message("two"), message("one"));
  expect_broken(good + trailers(kOk), message("one"));
}

TEST(GrpcWebResponse, OtherFlagsAreRefusedAndCompressedTrailersWithThem) {
  for (const char flag : {'\x81', '\x02', '\x40', '\xFF', 'g'})
    expect_broken(message("a") + frame(flag, kOk), message("a"));
}

TEST(GrpcWebResponse, TrailersHaveTheLimitsOfAllTrailers) {
  const std::string good = std::string(kOk) + "x-a: " + std::string(8000, 'a') + "\r\n";
  EXPECT_FALSE(filtered(trailers(good), 1000).broken);
  expect_broken(trailers(std::string(kOk) + "x-a: " + std::string(8200, 'a') + "\r\n"), "");
  std::string many(kOk);
  for (int i = 0; i < 31; ++i) many += "x: 1\r\n";
  EXPECT_FALSE(filtered(trailers(many)).broken);
  expect_broken(trailers(many + "x: 1\r\n"), "");
  // Refused by its length, before it comes.
  GrpcWebResponse filter;
  filter.push(Buffer(std::string_view("\x80\x00\x00\x40\x00", 5)));
  EXPECT_EQ(filter.fault(), Fault::kGrpcWebInvalid);
}

TEST(GrpcWebResponse, TrailersThatAreNoFieldsAreRefused) {
  for (const std::string_view lines :
       {"grpc-status: 0\nx: 1\r\n", "grpc-status: 0\r\n\r\n", "grpc-status: 0\r\n\r\nx: 1\r\n", "grpc-status : 0\r\n",
        "grpc-status: 0\r\n folded\r\n", ": 0\r\n", "grpc-status\r\n", "x: 1\r\n", "", "\r\n",
        "grpc-status: 0\r\ngrpc-status: 5\r\n"}) {
    SCOPED_TRACE(lines);
    expect_broken(trailers(lines), "");
  }
  expect_broken(trailers(std::string_view("grpc-status: 0\r\nx: \0\r\n", 22)), "");
}

}  // namespace
}  // namespace gatehouse
