#include <string>

#include <gtest/gtest.h>

#include "proxy/http/exchange/exchange.h"
#include "tests/support/exchange_testing.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using ExchangeLimitsTest = testing::ExchangeTest;

TEST_F(ExchangeLimitsTest, AnnouncedBodiesAreMeasuredAgainstTheRoutesLimit) {
  begin_upload(BodyLength::known(150));
  turn();
  EXPECT_TRUE(exchange->apply_limits({.max_request_body = 150}));
  EXPECT_FALSE(exchange->apply_limits({.max_request_body = 149}));
  EXPECT_EQ(exchange->response()->status, 413);
  EXPECT_TRUE(exchange->request_body().abandoned());
}

TEST_F(ExchangeLimitsTest, CountedBodiesAreMeasuredAsTheyCome) {
  begin_upload();
  turn();
  exchange->request_body().write(Buffer(std::string(100, 'x')));
  turn();
  EXPECT_FALSE(exchange->response());
  exchange->request_body().write(Buffer("y"));
  turn();
  EXPECT_EQ(exchange->response()->status, 413);
  EXPECT_EQ(exchange->request_pipe().reader().total(), 0U);
  EXPECT_FALSE(responder_alive);
  read_all();
  EXPECT_TRUE(end().starts_with("413 body_too_large in 101"));
}

TEST_F(ExchangeLimitsTest, AHigherLimitOfTheRouteCounts) {
  begin_upload();
  turn();
  EXPECT_TRUE(exchange->apply_limits({.max_request_body = kUnlimited}));
  exchange->request_body().write(Buffer(std::string(5000, 'x')));
  exchange->request_body().finish();
  turn();
  EXPECT_FALSE(exchange->response());
  EXPECT_EQ(exchange->request_pipe().reader().read(10'000).size(), 5000U);
}

TEST_F(ExchangeLimitsTest, ASilentUploadTimesOutBetweenBytes) {
  begin_upload();
  turn();
  advance(milliseconds(999));
  EXPECT_FALSE(exchange->response());
  exchange->request_body().write(Buffer("x"));
  turn();
  advance(milliseconds(999));
  EXPECT_FALSE(exchange->response());
  advance(milliseconds(1));
  EXPECT_EQ(exchange->response()->status, 408);
  EXPECT_FALSE(responder_alive);
}

TEST_F(ExchangeLimitsTest, AnUploadThatWaitsForTheEndpointDoesNotTimeOut) {
  begin_upload();
  turn();
  EXPECT_TRUE(exchange->apply_limits({.max_request_body = kUnlimited, .request_body_timeout = milliseconds(1000)}));
  exchange->request_body().write(Buffer(std::string(BodyPipe::kDefaultCapacity, 'x')));
  turn();
  advance(milliseconds(10'000));
  EXPECT_FALSE(exchange->response()) << "the pipe is full: it is not the client who is slow";
  exchange->request_pipe().reader().consume(1000);
  turn();
  advance(milliseconds(999));
  EXPECT_FALSE(exchange->response());
  advance(milliseconds(1));
  EXPECT_EQ(exchange->response()->status, 408);
}

TEST_F(ExchangeLimitsTest, ACompleteRequestDoesNotTimeOut) {
  begin();
  exchange->request_body().finish();
  turn();
  advance(milliseconds(100'000));
  EXPECT_FALSE(exchange->response());
}

TEST_F(ExchangeLimitsTest, AClientThatReadsNothingIsGivenUp) {
  std::int64_t acknowledged = 0;
  begin();
  exchange->follow_client([&] { return acknowledged; }, 0);
  exchange->request_body().finish();
  turn();
  exchange->respond({.status = 200, .body = BodyLength::unknown()});
  exchange->response_pipe().writer().write(Buffer("0123456789"));
  turn();
  advance(milliseconds(499));
  EXPECT_FALSE(exchange->broken_off());
  ++acknowledged;
  advance(milliseconds(1));
  EXPECT_FALSE(exchange->broken_off());
  advance(milliseconds(499));
  EXPECT_FALSE(exchange->broken_off());
  advance(milliseconds(1));
  EXPECT_EQ(exchange->broken_off(), Fault::kClientStalled);
  EXPECT_FALSE(responder_alive);
  EXPECT_EQ(end(), "200 client_stalled in 0 out 0");
}

TEST_F(ExchangeLimitsTest, WhatTheCodecTakesIsNoProgressOfTheClient) {
  begin();
  exchange->request_body().finish();
  turn();
  exchange->respond({.status = 200, .body = BodyLength::unknown()});
  exchange->response_pipe().writer().write(Buffer("0123456789"));
  turn();
  for (int i = 0; i < 4; ++i) {
    advance(milliseconds(100));
    exchange->response_body().consume(1);
    turn();
  }
  EXPECT_FALSE(exchange->broken_off());
  advance(milliseconds(100));
  EXPECT_EQ(exchange->broken_off(), Fault::kClientStalled);
}

TEST_F(ExchangeLimitsTest, AClientThatReadsTheAnswerNotAtAllIsGivenUpEvenIfItIsComplete) {
  begin();
  exchange->respond({.status = 200}, "hello");
  turn();
  advance(milliseconds(500));
  EXPECT_EQ(exchange->broken_off(), Fault::kClientStalled);
  EXPECT_FALSE(exchange->responded());
}

TEST_F(ExchangeLimitsTest, AClientThatHasReadAllThereIsDoesNotTimeOut) {
  begin();
  exchange->request_body().finish();
  turn();
  exchange->respond({.status = 200, .body = BodyLength::unknown()});
  exchange->response_pipe().writer().write(Buffer("x"));
  turn();
  EXPECT_EQ(read_all(), "x");
  turn();
  advance(milliseconds(100'000));
  EXPECT_FALSE(exchange->broken_off());
}

}  // namespace
}  // namespace gatehouse
