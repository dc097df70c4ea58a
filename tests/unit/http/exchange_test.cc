#include "proxy/http/exchange/exchange.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "proxy/http/alt_svc_state.h"
#include "tests/support/exchange_testing.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using testing::ExchangeTest;

TEST_F(ExchangeTest, TheResponderStartsLaterInTheTurn) {
  begin();
  EXPECT_EQ(recorder.begun, 1);
  EXPECT_FALSE(responder_alive);
  turn();
  EXPECT_TRUE(responder_alive);
  EXPECT_EQ(end(), "499 client_gone in 0 out 0");
  EXPECT_FALSE(responder_alive);
}

TEST_F(ExchangeTest, DestroyedBeforeItStartsItNeverStarts) {
  begin();
  end();
  turn();
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(recorder.ended, 1);
}

TEST_F(ExchangeTest, AnAnswerIsPassedAndRecorded) {
  begin();
  exchange->request_body().finish();
  clock.advance(milliseconds(0));
  turn();
  clock.advance(milliseconds(7));
  turn();
  wakes = 0;
  exchange->respond({.status = 200, .body = BodyLength::known(5)});
  exchange->response_pipe().writer().write(Buffer("hello"));
  exchange->response_pipe().writer().finish();
  EXPECT_EQ(wakes, 0) << "told by a wake, not by a call";
  turn();
  EXPECT_EQ(wakes, 1);
  ASSERT_TRUE(exchange->response());
  EXPECT_EQ(exchange->response()->status, 200);
  EXPECT_FALSE(exchange->responded());
  EXPECT_EQ(read_all(), "hello");
  EXPECT_TRUE(exchange->responded());
  EXPECT_EQ(exchange->record().first_byte, milliseconds(7));
  EXPECT_EQ(end(), "200 - in 0 out 5");
}

TEST_F(ExchangeTest, AnAnswerThatTheClientDidNotReadIsTheClientsFault) {
  begin();
  exchange->respond({.status = 200}, "hello");
  EXPECT_EQ(end(), "200 client_gone in 0 out 0");
}

TEST_F(ExchangeTest, HeadsAreFinishedTheSameForAll) {
  policy->alt_svc = "h3=\":443\"; ma=86400";
  begin();
  ResponseHead head{.status = 200};
  head.fields.add("Alt-Svc", "h3=\":9\"");
  head.fields.add("Connection", "close");
  head.fields.add("Transfer-Encoding", "chunked");
  exchange->respond(std::move(head));
  EXPECT_EQ(exchange->response()->fields.count(FieldName::kAltSvc), 1U);
  EXPECT_EQ(field("Alt-Svc"), policy->alt_svc);
  EXPECT_EQ(field("Connection"), "(none)");
  EXPECT_EQ(field("Transfer-Encoding"), "(none)");
  EXPECT_EQ(field("Date"), "Fri, 20 Dec 2019 00:00:00 GMT");
}

TEST_F(ExchangeTest, AltSvcSaysWhatHoldsWhenTheAnswerGoesOut) {
  policy->alt_svc = "h3=\":443\"";
  policy->alt_svc_state = std::make_shared<AltSvcState>();
  const auto said_at = [this](AltSvcState::Standing standing) {
    begin();
    policy->alt_svc_state->set(standing, "");
    exchange->respond({.status = 200});
    return std::string(field("Alt-Svc"));
  };
  EXPECT_EQ(said_at(AltSvcState::Standing::kUnproven), "(none)");
  EXPECT_EQ(said_at(AltSvcState::Standing::kAdvertised), policy->alt_svc);
  EXPECT_EQ(said_at(AltSvcState::Standing::kWithdrawn), "clear");
}

TEST_F(ExchangeTest, TheEndpointsDateIsKept) {
  begin();
  ResponseHead head{.status = 200};
  head.fields.add("date", "Thu, 01 Jan 2026 00:00:00 GMT");
  exchange->respond(std::move(head));
  EXPECT_EQ(exchange->response()->fields.count(FieldName::kDate), 1U);
  EXPECT_EQ(field("Date"), "Thu, 01 Jan 2026 00:00:00 GMT");
}

TEST_F(ExchangeTest, ThereIsNoAltSvcOnH3) {
  policy->alt_svc = "h3=\":443\"";
  begin({.protocol = Protocol::kH3, .method = "GET"});
  exchange->respond({.status = 200});
  EXPECT_EQ(field("Alt-Svc"), "(none)");
  begin_faulty(Fault::kMalformedRequest);
  EXPECT_EQ(field("Alt-Svc"), "h3=\":443\"") << "faults have it as well";
}

TEST_F(ExchangeTest, AFaultBeforeTheHeadIsAnsweredFor) {
  on_start = [this] { exchange->fail(Fault::kConnectRefused); };
  begin_upload();
  turn();
  ASSERT_TRUE(exchange->response());
  EXPECT_EQ(exchange->response()->status, 502);
  EXPECT_TRUE(field("Proxy-Status").starts_with("gatehouse; error=connection_refused; details=\"connect_refused: "));
  EXPECT_FALSE(exchange->broken_off());
  EXPECT_TRUE(exchange->request_body().abandoned());
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(read_all().substr(0, 15), "502 Bad Gateway");
  EXPECT_TRUE(exchange->responded());
  const std::string log = end();
  EXPECT_TRUE(log.starts_with("502 connect_refused in 0 out ")) << log;
}

TEST_F(ExchangeTest, AFaultAfterTheHeadBreaksOff) {
  begin();
  turn();
  exchange->respond({.status = 200, .body = BodyLength::known(10)});
  exchange->response_pipe().writer().write(Buffer("half"));
  turn();
  wakes = 0;
  exchange->fail(Fault::kUpstreamTruncated);
  exchange->fail(Fault::kUpstreamReset);
  turn();
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(exchange->broken_off(), Fault::kUpstreamTruncated);
  EXPECT_TRUE(exchange->response_body().failed());
  EXPECT_FALSE(exchange->response_body().finished()) << "a broken answer is never a clean end";
  EXPECT_EQ(read_all(), "half");
  EXPECT_FALSE(exchange->responded());
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(end(), "200 upstream_truncated in 0 out 4");
}

TEST_F(ExchangeTest, MoreOrLessThanItsHeadPromisesIsNoCleanEnd) {
  for (const std::size_t written : {4U, 11U}) {
    begin();
    turn();
    exchange->respond({.status = 200, .body = BodyLength::known(10)});
    exchange->response_pipe().writer().write(Buffer(std::string(written, 'x')));
    exchange->response_pipe().writer().finish();
    turn();
    EXPECT_FALSE(exchange->response_body().finished());
    EXPECT_EQ(exchange->broken_off(), Fault::kInternalError);
    EXPECT_FALSE(exchange->responded());
    EXPECT_TRUE(end().starts_with("200 internal_error"));
  }
}

TEST_F(ExchangeTest, FaultsAfterTheEndOfTheAnswerAreNone) {
  begin();
  exchange->respond({.status = 200}, "x");
  exchange->fail(Fault::kUpstreamReset);
  exchange->fail_request(Fault::kRequestBodyInvalid);
  EXPECT_FALSE(exchange->broken_off());
  EXPECT_EQ(read_all(), "x");
  EXPECT_EQ(end(), "200 - in 0 out 1");
}

TEST_F(ExchangeTest, FaultsThatAllowNoAnswerBreakOff) {
  begin();
  turn();
  exchange->fail(Fault::kClientGone);
  EXPECT_FALSE(exchange->response());
  EXPECT_EQ(exchange->broken_off(), Fault::kClientGone);
  EXPECT_EQ(end(), "499 client_gone in 0 out 0");
}

TEST_F(ExchangeTest, BornWithAFaultItAnswersWithoutAResponder) {
  begin_faulty(Fault::kHeadersTooLarge);
  turn();
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(exchange->response()->status, 431);
  EXPECT_EQ(wakes, 1);
  EXPECT_FALSE(read_all().empty());
  EXPECT_TRUE(end().starts_with("431 headers_too_large in 0"));
}

TEST_F(ExchangeTest, HeadRequestsGetNoPage) {
  begin_faulty(Fault::kNoRoute, {.method = "HEAD"});
  EXPECT_EQ(exchange->response()->body.kind, BodyLength::Kind::kKnown);
  EXPECT_GT(exchange->response()->body.bytes, 0U);
  EXPECT_TRUE(exchange->response_body().at_end());
  begin({.method = "HEAD"});
  exchange->respond({.status = 200}, "12345");
  EXPECT_EQ(exchange->response()->body.bytes, 5U);
  EXPECT_TRUE(exchange->responded());
}

TEST_F(ExchangeTest, AnswersThatMayHaveNoBodyHaveNone) {
  begin();
  exchange->respond({.status = 204}, "ignored");
  EXPECT_EQ(exchange->response()->body.kind, BodyLength::Kind::kNone);
  EXPECT_TRUE(exchange->responded());
}

TEST_F(ExchangeTest, InterimHeadsPassInOrderAndOnlyIfWanted) {
  begin({.method = "POST", .body = BodyLength::unknown(), .expects_continue = true});
  exchange->respond_interim({.status = 100});
  exchange->respond_interim({.status = 103});
  exchange->respond_interim({.status = 102});
  exchange->respond_interim({.status = 101});
  exchange->respond_interim({.status = 100});
  EXPECT_EQ(exchange->take_interim()->status, 100);
  EXPECT_EQ(exchange->take_interim()->status, 103);
  EXPECT_EQ(exchange->take_interim()->status, 102);
  EXPECT_FALSE(exchange->take_interim());
  exchange->respond({.status = 200});
  exchange->respond_interim({.status = 103});
  EXPECT_FALSE(exchange->take_interim());

  begin();
  exchange->respond_interim({.status = 100});
  EXPECT_FALSE(exchange->take_interim()) << "nobody asked for it";
  for (int i = 0; i < 100; ++i) exchange->respond_interim({.status = 103});
  int taken = 0;
  while (exchange->take_interim()) ++taken;
  EXPECT_EQ(taken, 8);

  begin({.protocol = Protocol::kH10, .method = "GET"});
  exchange->respond_interim({.status = 103});
  EXPECT_FALSE(exchange->take_interim()) << "HTTP/1.0 knows none";
}

TEST_F(ExchangeTest, AnEarlyAnswerEndsTheRequest) {
  begin_upload();
  turn();
  exchange->request_body().write(Buffer("part"));
  exchange->respond({.status = 200}, "enough");
  turn();
  EXPECT_TRUE(exchange->request_body().abandoned());
  advance(milliseconds(100));
  EXPECT_EQ(read_all(), "enough");
  EXPECT_EQ(end(), "200 - in 4 out 6");
}

TEST_F(ExchangeTest, AnAnswerThatGoesOnKeepsTheRequest) {
  begin_upload();
  turn();
  exchange->respond({.status = 200, .body = BodyLength::unknown()});
  turn();
  EXPECT_FALSE(exchange->request_body().abandoned());
}

TEST_F(ExchangeTest, ABrokenRequestIsAnsweredForAndCancelsTheResponder) {
  begin_upload();
  turn();
  exchange->request_body().write(Buffer("x"));
  exchange->fail_request(Fault::kRequestBodyInvalid);
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(exchange->response()->status, 400);
  EXPECT_TRUE(exchange->request_pipe().reader().failed());
  turn();
  read_all();
  EXPECT_TRUE(end().starts_with("400 request_body_invalid in 1"));
}

TEST_F(ExchangeTest, ABrokenRequestBeforeTheStartPreventsIt) {
  begin_upload();
  exchange->fail_request(Fault::kRequestBodyInvalid);
  turn();
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(exchange->response()->status, 400);
}

TEST_F(ExchangeTest, ARespondersAnswerAfterAFaultIsIgnored) {
  begin_upload();
  turn();
  exchange->fail(Fault::kConnectTimeout);
  exchange->respond({.status = 200});
  exchange->respond({.status = 200}, "late");
  exchange->respond_interim({.status = 103});
  EXPECT_EQ(exchange->response()->status, 504);
  EXPECT_FALSE(exchange->take_interim());
}

TEST_F(ExchangeTest, ErrorPagesAreMadeForTheClient) {
  RequestHead head{.method = "GET", .authority = "a", .target = "/"};
  head.fields.add("Accept", "text/html");
  begin(std::move(head));
  exchange->record().request_id = "<id>";
  exchange->fail(Fault::kQueueFull);
  EXPECT_EQ(field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(field("Retry-After"), "1");
  EXPECT_TRUE(read_all().contains("&lt;id&gt;"));
}

TEST_F(ExchangeTest, ARequestThatWasRefusedHasAnIdAsWell) {
  begin_faulty(Fault::kMalformedRequest);
  const std::string made = exchange->record().request_id;
  EXPECT_EQ(made.size(), 32U);
  EXPECT_EQ(field("X-Request-Id"), made);
  EXPECT_TRUE(read_all().contains(made));
}

TEST_F(ExchangeTest, AFaultyExchangeDestroyedAtOnceIsLoggedOnce) {
  begin_faulty(Fault::kMalformedRequest);
  end();
  turn();
  EXPECT_EQ(recorder.begun, 1);
  EXPECT_EQ(recorder.ended, 1);
}

}  // namespace
}  // namespace gatehouse
