#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "proxy/http/exchange/exchange.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

constexpr auto kNo = H3Client::End::kNo;
constexpr auto kYes = H3Client::End::kYes;

H3Client::Fields post(const std::string& path, const H3Client::Fields& more = {}) {
  H3Client::Fields fields = {{":method", "POST"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

class QuicSessionTest : public QuicCase {
 protected:
  // Sends back what comes, as it comes, with the trailers.
  static void echo(Exchange& exchange) {
    auto& in = exchange.request_pipe().reader();
    auto& out = exchange.response_pipe().writer();
    if (!exchange.response()) exchange.respond({.body = BodyLength::unknown()});
    while (const std::size_t room = std::min(out.room(), in.available())) out.write(in.read(room));
    if (in.at_end() && !out.ended()) out.finish(std::move(in.trailers()));
  }
  // Reads everything and answers with its size.
  static void swallow(Exchange& exchange) {
    auto& in = exchange.request_pipe().reader();
    while (in.available() > 0) (void)in.read(in.available());
    if (in.at_end() && !exchange.response()) exchange.respond({}, std::to_string(in.total()));
  }
};

TEST_F(QuicSessionTest, BodiesAndTrailersGoBothWays) {
  script = echo;
  H3Client& client = connected();
  const std::string body = pattern(3'000'000);
  const auto stream = client.begin(post("/echo"), kNo);
  client.send(stream, body, kNo);
  client.send_trailers(stream, {{"x-checksum", "42"}});
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).status, 200);
  EXPECT_TRUE(client.response(stream).body == body);
  EXPECT_EQ(client.response(stream).trailers, (H3Client::Fields{{"x-checksum", "42"}}));
  ASSERT_EQ(observer.ended.size(), 1U);
  EXPECT_EQ(observer.ended[0].bytes_in, body.size());
  EXPECT_EQ(observer.ended[0].bytes_out, body.size());
}

TEST_F(QuicSessionTest, SlowResponderStopsTheClientAtItsWindowAndResumesItAsItReads) {
  script = [](Exchange&) {};
  H3Client& client = connected();
  const std::string body = pattern(1'000'000);
  const auto stream = client.begin(post("/slow"), kNo);
  client.send(stream, body, kYes);
  pass(2s);
  EXPECT_GE(client.unsent(stream), body.size() - 64 * 1024);
  EXPECT_EQ(observer.running, 1);
}

TEST_F(QuicSessionTest, SlowClientStopsTheResponderAndResumesIt) {
  std::size_t written = 0;
  const std::string body = pattern(4'000'000);
  script = [&](Exchange& exchange) {
    auto& out = exchange.response_pipe().writer();
    if (!exchange.response()) exchange.respond({.body = BodyLength::known(body.size())});
    while (const std::size_t room = std::min(out.room(), body.size() - written)) {
      out.write(Buffer(std::string_view(body).substr(written, room)));
      written += room;
    }
    if (written == body.size() && !out.ended()) out.finish();
  };
  H3Client& client = connect({.clock = clock, .to_server = {}, .stream_window = 100'000});
  until([&] { return client.connected(); });
  const auto stream = client.get("/big");
  client.hold(stream);
  pass(2s);
  EXPECT_LE(written, 100'000U + 3 * 64 * 1024);
  EXPECT_LE(client.response(stream).body.size(), 100'000U);
  client.release(stream);
  until([&] { return client.response(stream).ended; });
  EXPECT_TRUE(client.response(stream).body == body);
}

TEST_F(QuicSessionTest, ClientThatTakesNothingIsResetAfterTheStallTimeout) {
  policy->exchange.response_write_timeout = 5s;
  script = [&](Exchange& exchange) { exchange.respond({}, std::string(60'000, 'x')); };
  H3Client& client = connect({.clock = clock, .to_server = {}, .stream_window = 1000});
  until([&] { return client.connected(); });
  const auto stream = client.get("/");
  client.hold(stream);
  until([&] { return client.response(stream).reset.has_value(); });
  EXPECT_EQ(client.response(stream).reset, rule(Fault::kClientStalled).codes.h3);
  ASSERT_EQ(observer.ended.size(), 1U);
  EXPECT_EQ(observer.ended[0].fault, Fault::kClientStalled);
  EXPECT_TRUE(client.connected());
}

TEST_F(QuicSessionTest, HeadAnswerHasALengthAndNoBody) {
  script = [](Exchange& exchange) { exchange.respond({}, "12345"); };
  H3Client& client = connected();
  const auto stream =
      client.begin({{":method", "HEAD"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/"}});
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).field("content-length"), "5");
  EXPECT_EQ(client.response(stream).body, "");
}

TEST_F(QuicSessionTest, InterimResponsesComeBeforeTheAnswer) {
  script = [](Exchange& exchange) {
    if (exchange.response()) return;
    ResponseHead hints{.status = 103};
    hints.fields.add("Link", "</style.css>");
    exchange.respond_interim(std::move(hints));
    exchange.respond({}, "ok");
  };
  H3Client& client = connected();
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).interim, std::vector<int>{103});
  EXPECT_EQ(client.response(stream).status, 200);
}

TEST_F(QuicSessionTest, ClientThatResetsItsRequestCancelsTheExchange) {
  script = [](Exchange&) {};
  H3Client& client = connected();
  const auto stream = client.begin(post("/"), kNo);
  client.send(stream, "some", kNo);
  settle();
  EXPECT_EQ(observer.running, 1);
  client.reset(stream, 0x10c);
  until([&] { return client.response(stream).reset.has_value(); });
  EXPECT_EQ(observer.running, 0);
  ASSERT_EQ(observer.ended.size(), 1U);
  EXPECT_EQ(observer.ended[0].status, 499);
  EXPECT_EQ(observer.ended[0].fault, Fault::kClientGone);
  EXPECT_EQ(client.response(stream).reset, 0x10cU);
}

TEST_F(QuicSessionTest, ClientThatStopsTheAnswerCancelsTheExchange) {
  script = [](Exchange& exchange) {
    if (!exchange.response()) exchange.respond({.body = BodyLength::unknown()});
  };
  H3Client& client = connected();
  const auto stream = client.get("/endless");
  until([&] { return client.response(stream).status == 200; });
  client.stop(stream, 0x10c);
  until([&] { return observer.running == 0; });
  EXPECT_EQ(observer.ended[0].fault, Fault::kClientGone);
  EXPECT_TRUE(client.connected());
}

TEST_F(QuicSessionTest, EarlyAnswerEndsWithStopSendingNoError) {
  script = [](Exchange& exchange) {
    if (!exchange.response()) exchange.respond({.status = 403}, "no");
  };
  H3Client& client = connected();
  const auto stream = client.begin(post("/"), kNo);
  client.send(stream, std::string(500'000, 'x'), kNo);
  until([&] { return client.response(stream).closed; });
  EXPECT_EQ(client.response(stream).status, 403);
  EXPECT_EQ(client.response(stream).body, "no");
  EXPECT_TRUE(client.response(stream).ended);
  EXPECT_TRUE(client.response(stream).stopped);
  EXPECT_EQ(client.response(stream).close_code, 0x100U);
  EXPECT_FALSE(client.response(stream).reset.has_value());
  const auto next = client.get("/");
  until([&] { return client.response(next).ended; });
}

TEST_F(QuicSessionTest, AnswerThatBreaksOffIsResetAndNeverEnds) {
  int turn = 0;
  script = [&](Exchange& exchange) {
    if (!exchange.response()) {
      exchange.respond({.body = BodyLength::known(100)});
      exchange.response_pipe().writer().write(Buffer("half"));
    } else if (++turn == 1) {
      exchange.fail(Fault::kUpstreamTruncated);
    }
  };
  H3Client& client = connected();
  const auto stream = client.get("/");
  until([&] { return client.response(stream).reset.has_value(); });
  EXPECT_EQ(client.response(stream).reset, rule(Fault::kUpstreamTruncated).codes.h3);
  EXPECT_FALSE(client.response(stream).ended);
  EXPECT_EQ(observer.ended[0].fault, Fault::kUpstreamTruncated);
}

TEST_F(QuicSessionTest, AnotherLengthThanPromisedIsAReset) {
  for (const std::size_t written : {4U, 101U}) {
    script = [&](Exchange& exchange) {
      if (exchange.response()) return;
      exchange.respond({.body = BodyLength::known(100)});
      exchange.response_pipe().writer().write(Buffer(std::string(written, 'x')));
      exchange.response_pipe().writer().finish();
    };
    H3Client& client = connected();
    const auto stream = client.get("/");
    until([&] { return client.response(stream).reset.has_value(); });
    EXPECT_EQ(client.response(stream).reset, rule(Fault::kInternalError).codes.h3);
    EXPECT_FALSE(client.response(stream).ended);
  }
}

TEST_F(QuicSessionTest, FaultBeforeTheHeadIsAnswered) {
  script = [](Exchange& exchange) { exchange.fail(Fault::kConnectRefused); };
  H3Client& client = connected();
  const auto stream = client.get("/");
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).status, 502);
  EXPECT_NE(client.response(stream).field("proxy-status").find("connection_refused"), std::string::npos);
}

TEST_F(QuicSessionTest, HeadBeyondTheLimitGets431AndFarBeyondEndsTheConnection) {
  H3Client& client = connected();
  auto large = post("/", {{"x-large", std::string(40'000, 'x')}});
  const auto stream = client.begin(large);
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).status, 431);
  H3Client::Fields many = post("/");
  for (int i = 0; i < 101; ++i) many.emplace_back("x-" + std::to_string(i), "1");
  const auto second = client.begin(many);
  until([&] { return client.response(second).ended; });
  EXPECT_EQ(client.response(second).status, 431);
  H3Client::Fields huge = post("/");
  for (int i = 0; i < 10; ++i) huge.emplace_back("x-" + std::to_string(i), std::string(40'000, 'y'));
  client.begin(huge);
  until([&] { return client.closed().has_value(); });
  EXPECT_EQ(client.closed()->code, 0x107U);
}

TEST_F(QuicSessionTest, TargetBeyondTheLimitGets414) {
  H3Client& client = connected();
  const auto stream = client.get("/" + std::string(9000, 'x'));
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).status, 414);
}

TEST_F(QuicSessionTest, MalformedHeadIsResetWithMessageErrorAndRecordedOnce) {
  H3Client& client = connected();
  const auto bad = client.begin(post("/", {{"host", "elsewhere"}}));
  until([&] { return client.response(bad).reset.has_value(); });
  EXPECT_EQ(client.response(bad).reset, 0x10eU);
  ASSERT_EQ(observer.ended.size(), 1U);
  EXPECT_EQ(observer.ended[0].fault, Fault::kMalformedRequest);
  const auto good = client.get("/");
  until([&] { return client.response(good).ended; });
}

TEST_F(QuicSessionTest, BodyBeyondTheLimitGets413) {
  policy->exchange.max_request_body = 10'000;
  script = swallow;
  H3Client& client = connected();
  const auto stream = client.begin(post("/"), kNo);
  client.send(stream, std::string(300'000, 'x'), kYes);
  until([&] { return client.response(stream).ended; });
  EXPECT_EQ(client.response(stream).status, 413);
}

TEST_F(QuicSessionTest, LastRequestOfAConnectionIsFollowedByGoaway) {
  policy->connection.max_requests = 2;
  H3Client& client = connected();
  client.get("/1");
  settle();
  EXPECT_FALSE(client.goaway().has_value());
  client.get("/2");
  until([&] { return client.goaway().has_value(); });
  until([&] { return client.closed().has_value(); });
  EXPECT_EQ(observer.ended.size(), 2U);
}

TEST_F(QuicSessionTest, HeadThatDoesNotEndIsResetAfterItsTimeout) {
  H3Client& client = connected();
  const std::array<std::uint8_t, 4> begun = {0x01, 0x20, 0x00, 0x00};  // HEADERS of 32 bytes, two of them here
  ASSERT_TRUE(client.raw_stream(begun, kNo, false));
  pass(36s);
  ASSERT_EQ(observer.ended.size(), 1U);
  EXPECT_EQ(observer.ended[0].fault, Fault::kHeaderTimeout);
  EXPECT_TRUE(client.connected());
}

TEST_F(QuicSessionTest, ClientThatResetsAllItAsksForIsTooMuch) {
  std::size_t begun = 0;
  script = [&](Exchange&) { ++begun; };
  H3Client& client = connected();
  for (int i = 0; i < 2000 && !client.closed(); ++i) {
    const auto stream = client.begin(post("/"), kNo);
    if (stream >= 0) {
      client.step();
      client.reset(stream, 0x10c);
      client.stop(stream, 0x10c);
    }
    pass(1ms);
  }
  ASSERT_TRUE(client.closed().has_value());
  EXPECT_EQ(client.closed()->code, 0x107U);
  EXPECT_LE(begun, 300U);
  EXPECT_EQ(observer.running, 0);
}

// As a map does that is dragged: it wants other tiles before these have come.
TEST_F(QuicSessionTest, PageThatCancelsAllItAsksForKeepsItsConnection) {
  script = [](Exchange& exchange) {
    if (exchange.request().target == "/wanted") exchange.respond({}, "hello");
  };
  H3Client& client = connected();
  for (int burst = 0; burst < 6; ++burst) {
    for (int i = 0; i < 50; ++i) {
      const auto stream = client.begin(post("/tile"), kNo);
      ASSERT_GE(stream, 0);
      client.step();
      client.reset(stream, 0x10c);
      client.stop(stream, 0x10c);
      pass(1ms);
    }
    pass(3s);
    ASSERT_FALSE(client.closed().has_value()) << burst;
  }
  const auto wanted = client.get("/wanted");
  until([&] { return client.response(wanted).ended; });
  EXPECT_EQ(client.response(wanted).status, 200);
}

TEST_F(QuicSessionTest, ClientThatMakesUsResetAllItAsksForIsTooMuch) {
  H3Client& client = connected();
  int asked = 0;
  for (; asked < 1000 && !client.closed(); ++asked) {
    client.begin(post("/", {{"host", "elsewhere"}}));
    pass(1ms);
  }
  ASSERT_TRUE(client.closed().has_value());
  EXPECT_EQ(client.closed()->code, 0x107U);
  EXPECT_LE(asked, 150);
}

struct Misuse {
  const char* name;
  std::vector<std::uint8_t> bytes;
  bool uni;
  H3Client::End end;
  std::uint64_t code;
};

class QuicMisuseTest : public QuicCase, public ::testing::WithParamInterface<Misuse> {};

TEST_P(QuicMisuseTest, EndsTheConnectionWithItsCode) {
  H3Client& client = connected();
  ASSERT_TRUE(client.raw_stream(GetParam().bytes, GetParam().end, GetParam().uni));
  until([&] { return client.closed().has_value(); });
  EXPECT_TRUE(client.closed()->by_application);
  EXPECT_EQ(client.closed()->code, GetParam().code);
  EXPECT_EQ(counters.cut[static_cast<std::size_t>(Abuse::kProtocolError)].value(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Frames, QuicMisuseTest,
    ::testing::Values(Misuse{"DataBeforeHeaders", {0x00, 0x01, 'x'}, false, kNo, 0x105},
                      Misuse{"SettingsOnRequestStream", {0x04, 0x00}, false, kNo, 0x105},
                      Misuse{"HeadersCutShort", {0x01, 0x10, 0x00, 0x00}, false, kYes, 0x106},
                      Misuse{"StaticIndexOutOfRange", {0x01, 0x04, 0x00, 0x00, 0xff, 0x7f}, false, kNo, 0x200},
                      Misuse{"HttpTwoFrame", {0x02, 0x00}, false, kNo, 0x105}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gatehouse
