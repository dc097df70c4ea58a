// One exchange after the other on real connections, against an endpoint that plays by its own rules: what a client sees
// of every way in which an answer can go well or wrong, and what becomes of the connection.
#include "proxy/upstream/upstream_connection.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

using UpstreamConnectionTest = ForwardingTest;

TEST_F(UpstreamConnectionTest, CarriesARequestAndKeepsTheConnectionForTheNext) {
  TestExchange first = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  const std::string request = carry(first, connection, kOkResponse);
  EXPECT_TRUE(request.starts_with("GET / HTTP/1.1\r\nHost: shop.example.com\r\n")) << request;
  EXPECT_EQ(request.find("Content-Length"), std::string::npos);
  EXPECT_EQ(request.find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(first.body, "hello");
  EXPECT_TRUE(first.complete());
  EXPECT_EQ(idle(), 1U);
  EXPECT_TRUE(first->record().connected.has_value());
  EXPECT_EQ(first->record().attempts, 1U);

  TestExchange second = exchange("GET");
  carry(second, connection, "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(second.status(), 204);
  EXPECT_TRUE(second->record().upstream_reused);
  EXPECT_FALSE(endpoint.accept().has_value());
  EXPECT_EQ(idle(), 1U);
  EXPECT_EQ(endpoints_of(*upstream)[0]->in_flight(), 0U);
}

TEST_F(UpstreamConnectionTest, SendsABodyOfKnownLengthAndOneInChunksWithTrailers) {
  TestExchange known = exchange("POST", BodyLength::known(6));
  known->request_body().write(Buffer("abc"));
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  known->request_body().write(Buffer("def"));
  known->request_body().finish();
  world.settle();
  const std::string request = carry(known, connection, kOkResponse);
  EXPECT_NE(request.find("Content-Length: 6\r\n"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\nabcdef")) << request;

  TestExchange unknown = exchange("POST", BodyLength::unknown());
  unknown->request_body().write(Buffer("hello"));
  world.settle();
  unknown->request_body().write(Buffer(std::string(300, 'x')));
  FieldList trailers;
  trailers.add("X-Sum", "42");
  unknown->request_body().finish(std::move(trailers));
  world.settle();
  const std::string chunked = carry(unknown, connection, kOkResponse);
  EXPECT_NE(chunked.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_TRUE(chunked.ends_with("\r\n\r\n5\r\nhello\r\n12c\r\n" + std::string(300, 'x') + "\r\n0\r\nX-Sum: 42\r\n\r\n"))
      << chunked;
  EXPECT_EQ(idle(), 1U);
}

TEST_F(UpstreamConnectionTest, SendsHeadAndBodyThatAreThereInOnePiece) {
  TestExchange e = exchange("POST", BodyLength::unknown());
  e->request_body().write(Buffer("ping"));
  e->request_body().finish();
  ScriptedConnection connection = world.accept(endpoint);
  const std::string request = carry(e, connection, kOkResponse);
  EXPECT_TRUE(request.ends_with("\r\n\r\n4\r\nping\r\n0\r\n\r\n")) << request;
}

TEST_F(UpstreamConnectionTest, DecodesChunksAndPassesTrailersWithoutThoseOfFraming) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: "
        "1\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(e.body, "hello world");
  EXPECT_EQ(e->response_body().trailers().find("x-sum"), "1");
  EXPECT_EQ(e->response_body().trailers().size(), 1U);
  EXPECT_EQ(idle(), 1U);
}

TEST_F(UpstreamConnectionTest, AnswersDelimitedByCloseEndCleanlyAndAreNotKept) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\n\r\nall of it");
  world.settle();
  EXPECT_FALSE(e.complete());
  connection.close();
  world.turn_until([&] { return e.over(); });
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(e.body, "all of it");
  EXPECT_EQ(idle(), 0U);
}

TEST_F(UpstreamConnectionTest, AResetInAnAnswerDelimitedByCloseIsNoCleanEnd) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\n\r\nhalf");
  world.turn_until([&] { return e.status() == 200; });
  connection.reset();
  world.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->broken_off(), Fault::kUpstreamTruncated);
}

TEST_F(UpstreamConnectionTest, AnswersToHeadHaveNoBodyWhateverTheirLengthSays) {
  TestExchange e = exchange("HEAD");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(e->response()->body.bytes, 1000U);
  EXPECT_EQ(idle(), 1U);
}

TEST_F(UpstreamConnectionTest, BytesAfterAnAnswerWithoutBodyEndTheConnection) {
  for (const auto& [method, response] : std::initializer_list<std::pair<const char*, const char*>>{
           {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"},
           {"GET", "HTTP/1.1 204 No Content\r\n\r\nbody"},
           {"GET", "HTTP/1.1 304 Not Modified\r\n\r\nbody"},
           {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}}) {
    TestExchange e = exchange(method);
    ScriptedConnection connection = world.accept(endpoint);
    carry(e, connection, response);
    EXPECT_TRUE(e.complete()) << response;
    EXPECT_EQ(idle(), 0U) << response;
    EXPECT_TRUE(world.turn_until([&] { return connection.ended(); })) << response;
  }
}

struct BrokenResponse {
  const char* name;
  const char* response;
  Fault fault;
};

class BrokenResponseTest : public UpstreamConnectionTest, public ::testing::WithParamInterface<BrokenResponse> {};

TEST_P(BrokenResponseTest, IsNeverACleanEndAndTheConnectionIsNotKept) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send(GetParam().response);
  connection.finish_sending();
  world.turn_until([&] { return e.over() || e.status() >= 500; });
  world.settle();
  EXPECT_EQ(e->record().fault, GetParam().fault);
  if (e->broken_off()) {
    EXPECT_EQ(e.status(), 200);
    EXPECT_FALSE(e.complete());
  } else {
    EXPECT_EQ(e.status(), 502);
    EXPECT_TRUE(e->response()->fields.find(FieldName::kProxyStatus).has_value());
    EXPECT_EQ(e.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(idle(), 0U);
  EXPECT_EQ(active(), 0U);
  EXPECT_TRUE(connection.ended());
}

INSTANTIATE_TEST_SUITE_P(
    Endpoint, BrokenResponseTest,
    ::testing::Values(
        BrokenResponse{"LengthCutShort", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfifty",
                       Fault::kUpstreamTruncated},
        BrokenResponse{"CutInAChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nfifty",
                       Fault::kUpstreamTruncated},
        BrokenResponse{"WithoutLastChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                       Fault::kUpstreamTruncated},
        BrokenResponse{"LastChunkWithoutItsEnd",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
                       Fault::kUpstreamTruncated},
        BrokenResponse{
            "LengthAndChunks",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            Fault::kUpstreamInvalid},
        BrokenResponse{"TwoLengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nsecret",
                       Fault::kUpstreamInvalid},
        BrokenResponse{"LengthWithLetter", "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nsecret",
                       Fault::kUpstreamInvalid},
        BrokenResponse{"NegativeLength", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nsecret",
                       Fault::kUpstreamInvalid},
        BrokenResponse{"EmptyLength", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nsecret", Fault::kUpstreamInvalid},
        BrokenResponse{"UnknownCoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nsecret",
                       Fault::kUpstreamInvalid},
        BrokenResponse{"CodingAfterChunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, foo\r\n\r\nsecret",
                       Fault::kUpstreamInvalid},
        BrokenResponse{"StatusOfLetters", "HTTP/1.1 abc OK\r\n\r\nsecret", Fault::kUpstreamInvalid},
        BrokenResponse{"StatusTooLow", "HTTP/1.1 099 OK\r\n\r\nsecret", Fault::kUpstreamInvalid},
        BrokenResponse{"StatusTooLong", "HTTP/1.1 1000 OK\r\n\r\nsecret", Fault::kUpstreamInvalid},
        BrokenResponse{"StatusTooShort", "HTTP/1.1 20 OK\r\n\r\nsecret", Fault::kUpstreamInvalid},
        BrokenResponse{"OtherProtocol", "FOO/1.1 200 OK\r\n\r\nsecret", Fault::kUpstreamInvalid},
        BrokenResponse{"NoStatusLine", "secret\r\n\r\n", Fault::kUpstreamInvalid},
        BrokenResponse{"BareLineFeed", "HTTP/1.1 200 OK\nX: secret\n\n", Fault::kUpstreamInvalid},
        BrokenResponse{"NoColon", "HTTP/1.1 200 OK\r\nsecret\r\n\r\n", Fault::kUpstreamInvalid},
        BrokenResponse{"SpaceBeforeColon", "HTTP/1.1 200 OK\r\nX : secret\r\n\r\n", Fault::kUpstreamInvalid},
        BrokenResponse{"FoldedField", "HTTP/1.1 200 OK\r\nX: a\r\n secret\r\n\r\n", Fault::kUpstreamInvalid},
        BrokenResponse{"HeadCutShort", "HTTP/1.1 200 OK\r\nX: secret", Fault::kUpstreamClosed},
        BrokenResponse{"Nothing", "", Fault::kUpstreamClosed},
        BrokenResponse{"SwitchUnasked",
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n",
                       Fault::kUpstreamInvalid},
        BrokenResponse{"OnlyInterim", "HTTP/1.1 100 Continue\r\n\r\n", Fault::kUpstreamClosed},
        BrokenResponse{"BadChunkSizeAfterTheHead",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
                       Fault::kUpstreamInvalid}),
    [](const auto& case_info) { return case_info.param.name; });

TEST_F(UpstreamConnectionTest, AHeadThatIsTooLargeEndsBeforeItIsRead) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n");
  world.turn_until([&] { return e.status() != 0; });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().fault, Fault::kUpstreamHeadersTooLarge);
}

TEST_F(UpstreamConnectionTest, TooManyFieldsAreTooLargeAsWell) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 300; ++i) head += "a: b\r\n";
  connection.send(head + "\r\n");
  world.turn_until([&] { return e.status() != 0; });
  EXPECT_EQ(e->record().fault, Fault::kUpstreamHeadersTooLarge);
}

TEST_F(UpstreamConnectionTest, SwallowsContinueAndPassesEarlyHints) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 "
        "OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(e.interims, std::vector<std::uint16_t>{103});
  EXPECT_EQ(e.body, "hello");
  EXPECT_EQ(idle(), 1U);
}

TEST_F(UpstreamConnectionTest, InterimAnswersToHeadDoNotMakeItsAnswerHaveABody) {
  TestExchange e = exchange("HEAD");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(idle(), 1U);
}

TEST_F(UpstreamConnectionTest, InterimAnswersBeyondTheEighthAreDropped) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  std::string response;
  for (int i = 0; i < 100; ++i) response += "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
  carry(e, connection, response + std::string(kOkResponse));
  EXPECT_EQ(e.interims, (std::vector<std::uint16_t>{102, 103, 102, 103, 102, 103, 102, 103}));
  EXPECT_EQ(e.status(), 200);
  EXPECT_EQ(idle(), 1U);
}

TEST_F(UpstreamConnectionTest, EndlessInterimAnswersAreTooLarge) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  const std::string link = "Link: </" + std::string(1000, 'a') + ">\r\n\r\n";
  for (int i = 0; i < 70; ++i) connection.send("HTTP/1.1 103 Early Hints\r\n" + link);
  world.turn_until([&] { return e.status() != 0; });
  EXPECT_EQ(e.status(), 502);
  EXPECT_EQ(e->record().fault, Fault::kUpstreamHeadersTooLarge);
}

TEST_F(UpstreamConnectionTest, ConnectionCloseAndHttp10AreNotKept) {
  for (const char* response : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
                               "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"}) {
    TestExchange e = exchange("GET");
    ScriptedConnection connection = world.accept(endpoint);
    carry(e, connection, response);
    EXPECT_TRUE(e.complete());
    EXPECT_EQ(e.body, "hello");
    EXPECT_EQ(idle(), 0U);
  }
}

TEST_F(UpstreamConnectionTest, AnIdleConnectionThatSpeaksOrClosesIsGoneAtOnce) {
  ScriptedConnection speaker = kept_connection();
  EXPECT_EQ(idle(), 1U);
  speaker.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  world.turn_until([&] { return idle() == 0; });
  EXPECT_TRUE(world.turn_until([&] { return speaker.ended(); }));

  ScriptedConnection closer = kept_connection();
  EXPECT_EQ(idle(), 1U);
  closer.close();
  world.turn_until([&] { return idle() == 0; });
}

TEST_F(UpstreamConnectionTest, ACloseRightAfterTheAnswerIsNotKeptEither) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  world.request_of(connection);
  connection.send(kOkResponse);
  connection.close();
  world.turn_until([&] { return e.over(); });
  world.settle();
  EXPECT_TRUE(e.complete());
  EXPECT_EQ(e.body, "hello");
  EXPECT_EQ(idle(), 0U);
}

TEST_F(UpstreamConnectionTest, AnIdleConnectionEndsWithItsTime) {
  ScriptedConnection connection = kept_connection();
  world.advance(59s);
  EXPECT_EQ(idle(), 1U);
  world.advance(2s);
  EXPECT_EQ(idle(), 0U);
  EXPECT_TRUE(world.turn_until([&] { return connection.ended(); }));
}

TEST_F(UpstreamConnectionTest, TheEndpointsKeepAliveTimeoutShortensTheIdleTimeByASecond) {
  TestExchange e = exchange("GET");
  ScriptedConnection connection = world.accept(endpoint);
  carry(e, connection,
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(idle(), 1U);
  world.advance(3900ms);
  EXPECT_EQ(idle(), 1U);
  world.advance(200ms);
  EXPECT_EQ(idle(), 0U);

  TestExchange f = exchange("GET");
  ScriptedConnection other = world.accept(endpoint);
  carry(f, other, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(idle(), 0U);
}

}  // namespace
}  // namespace gatehouse
