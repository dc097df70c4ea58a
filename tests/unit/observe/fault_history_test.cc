// The last faults are few, the newest are kept, and clients cannot push out what endpoints did.
#include "proxy/observe/fault_history.h"

#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/observe/fault_buffer.h"
#include "tests/support/exchange_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

FaultRecord record(Fault fault, std::string id, WallTime time = {}) {
  return {.time = time, .fault = fault, .request_id = std::move(id)};
}

std::vector<std::string> ids(const std::vector<FaultRecord>& records) {
  std::vector<std::string> all;
  for (const FaultRecord& one : records) all.push_back(one.request_id);
  return all;
}

TEST(FaultHistory, TheNewestComeFirstAndTheOldestGo) {
  FaultHistory history;
  const std::size_t count = FaultHistory::kByOthers + 10;
  for (std::size_t i = 0; i < count; ++i) {
    history.note(record(Fault::kConnectRefused, std::to_string(i), WallTime(std::chrono::seconds(i))));
  }
  const std::vector<std::string> kept = ids(history.newest_first());
  ASSERT_EQ(kept.size(), FaultHistory::kByOthers);
  EXPECT_EQ(kept.front(), std::to_string(count - 1));
  EXPECT_EQ(kept.back(), "10");
}

TEST(FaultHistory, AFloodOfBadRequestsLeavesTheFailureOfAnEndpoint) {
  FaultHistory history;
  history.note(record(Fault::kUpstreamReset, "endpoint"));
  for (int i = 0; i < 1000; ++i) history.note(record(Fault::kMalformedRequest, "client", WallTime(1s)));
  const std::vector<std::string> kept = ids(history.newest_first());
  EXPECT_EQ(kept.size(), FaultHistory::kByClients + 1);
  EXPECT_EQ(kept.back(), "endpoint");
}

TEST(FaultHistory, WhatIsTakenIsGoneAndItFillsAgain) {
  FaultHistory history;
  const std::size_t count = FaultHistory::kByOthers + 3;
  for (std::size_t i = 0; i < count; ++i) {
    history.note(record(Fault::kConnectRefused, std::to_string(i), WallTime(std::chrono::seconds(i))));
  }
  EXPECT_EQ(ids(history.take()).front(), "3");
  EXPECT_TRUE(history.empty());
  EXPECT_TRUE(history.take().empty());
  history.note(record(Fault::kConnectRefused, "again"));
  EXPECT_EQ(ids(history.newest_first()), std::vector<std::string>{"again"});
}

class FaultsOfExchanges : public testing::ExchangeTest {
 protected:
  // One exchange that ended with `fault`.
  void fail(Fault fault) {
    begin({.method = "GET", .authority = "a", .target = "/path?token=secret"});
    exchange->record().route = "*/";
    exchange->record().upstream = "shop";
    exchange->record().endpoint = "127.0.0.1:5000";
    exchange->record().request_id = std::string(1000, 'i');
    exchange->record().status = 502;
    exchange->record().fault = fault;
  }
};

TEST_F(FaultsOfExchanges, ARecordSaysWhereAndNothingOfTheTarget) {
  fail(Fault::kUpstreamClosed);
  FaultHistory history;
  history.note(*exchange, WallTime(5s));
  const FaultRecord noted = history.newest_first().at(0);
  EXPECT_EQ(noted.time, WallTime(5s));
  EXPECT_EQ(noted.fault, Fault::kUpstreamClosed);
  EXPECT_EQ(noted.status, 502);
  EXPECT_EQ(noted.route, "*/");
  EXPECT_EQ(noted.upstream, "shop");
  EXPECT_EQ(noted.endpoint, "127.0.0.1:5000");
  EXPECT_EQ(noted.request_id, std::string(FaultHistory::kLongestText, 'i'));
  EXPECT_EQ(noted.detail, "");
}

TEST_F(FaultsOfExchanges, ARecordSaysWhatTheSystemSaid) {
  fail(Fault::kConnectFailed);
  exchange->record().error = EHOSTUNREACH;
  FaultHistory history;
  history.note(*exchange, WallTime(5s));
  EXPECT_EQ(history.newest_first().at(0).detail, "EHOSTUNREACH");
}

TEST_F(FaultsOfExchanges, ABufferHandsOverOnceForAllFaultsOfAMoment) {
  std::vector<std::size_t> batches;
  FaultBuffer buffer(loop, [&batches](const std::vector<FaultRecord>& records) { batches.push_back(records.size()); });
  fail(Fault::kConnectRefused);
  for (int i = 0; i < 3; ++i) buffer.note(*exchange);
  turn();
  EXPECT_TRUE(batches.empty());
  advance(100ms);
  EXPECT_EQ(batches, std::vector<std::size_t>{3});
  buffer.note(*exchange);
  advance(100ms);
  EXPECT_EQ(batches, (std::vector<std::size_t>{3, 1}));
}

}  // namespace
}  // namespace gatehouse
