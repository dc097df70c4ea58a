// How much of request bodies one HTTP/3 connection holds for endpoints that do not read, and that its window comes back
// whatever becomes of them.
#include <chrono>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/slab_pool.h"
#include "proxy/http/exchange/exchange.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using testing_support::H3Client;
using testing_support::QuicCase;

constexpr auto kNo = H3Client::End::kNo;
constexpr auto kYes = H3Client::End::kYes;
constexpr std::size_t kBody = 64 * 1024;  // as much as the window of one stream

class QuicUploadWindowTest : public QuicCase {
 protected:
  std::int64_t post(H3Client& client) {
    return client.begin({{":method", "POST"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/"}}, kNo);
  }
  std::vector<std::int64_t> upload(H3Client& client, int count, H3Client::End end = kYes) {
    std::vector<std::int64_t> streams;
    for (int i = 0; i < count; ++i) {
      streams.push_back(post(client));
      client.send(streams.back(), std::string(kBody, 'x'), end);
    }
    return streams;
  }
  static std::size_t unsent(const H3Client& client, const std::vector<std::int64_t>& streams) {
    return std::accumulate(streams.begin(), streams.end(), std::size_t{0},
                           [&](std::size_t sum, std::int64_t stream) { return sum + client.unsent(stream); });
  }
  // Reads what is there, and answers at the end.
  static void swallow(Exchange& exchange) {
    auto& in = exchange.request_pipe().reader();
    while (in.available() > 0) (void)in.read(in.available());
    if (in.at_end() && !exchange.response()) exchange.respond({}, "ok");
  }
};

TEST_F(QuicUploadWindowTest, EndpointsThatDoNotReadLeaveNoMoreThanTheWindowOfTheConnection) {
  bool reads = false;
  std::set<Exchange*> running;
  script = [&](Exchange& exchange) {
    if (reads) return swallow(exchange);
    running.insert(&exchange);
  };
  H3Client& client = connected();
  const auto streams = upload(client, 100);
  pass(2s);
  const std::size_t sent = streams.size() * kBody - unsent(client, streams);
  EXPECT_LE(sent, options.h3.connection_window);
  EXPECT_GE(sent, options.h3.connection_window - kBody);
  EXPECT_TRUE(client.connected());

  reads = true;
  for (Exchange* exchange : running) swallow(*exchange);
  until([&] { return observer.ended.size() == streams.size(); });
  for (const auto& ended : observer.ended) EXPECT_EQ(ended.bytes_in, kBody);
}

TEST_F(QuicUploadWindowTest, WhatIsHeldIsPackedTightly) {
  script = [](Exchange&) {};
  H3Client& client = connected();
  const std::size_t before = slab_pool::outstanding();
  std::vector<std::int64_t> streams;
  for (int i = 0; i < 100; ++i) streams.push_back(post(client));
  for (int part = 0; part < 9; ++part) {  // a packet's worth of each, in turn
    for (const auto stream : streams) {
      client.send(stream, std::string(1100, 'x'), kNo);
      settle();
    }
  }
  pass(100ms);
  EXPECT_LT(unsent(client, streams), streams.size() * 100);
  EXPECT_LE(slab_pool::outstanding() - before, 2 * streams.size());
}

TEST_F(QuicUploadWindowTest, SomeSlowEndpointsDoNotStopTheOthers) {
  script = [](Exchange& exchange) {
    if (exchange.request().target == "/") return;  // a slow one
    swallow(exchange);
  };
  H3Client& client = connected();
  upload(client, 8);
  pass(1s);
  const auto stream =
      client.begin({{":method", "POST"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/fast"}}, kNo);
  client.send(stream, std::string(5'000'000, 'y'), kYes);
  until([&] { return client.response(stream).ended; });
}

TEST_F(QuicUploadWindowTest, WindowComesBackFromBodiesThatNobodyWants) {
  script = [](Exchange& exchange) {
    if (!exchange.response()) exchange.respond({.status = 403}, "no");
  };
  H3Client& client = connected();
  for (int round = 0; round < 10; ++round) {
    const auto streams = upload(client, 10, kNo);
    until([&] { return observer.ended.size() == 10U * (static_cast<std::size_t>(round) + 1); });
    pass(50ms);
  }
  script = swallow;
  upload(client, 10);
  until([&] { return observer.ended.size() == 110U; });
  for (std::size_t i = 100; i < 110; ++i) EXPECT_EQ(observer.ended[i].bytes_in, kBody);
}

TEST_F(QuicUploadWindowTest, WindowComesBackFromBodiesThatTheirClientBreaksOff) {
  script = [](Exchange&) {};
  H3Client& client = connected();
  for (int round = 0; round < 4; ++round) {
    const auto streams = upload(client, 20, kNo);
    pass(200ms);
    for (const auto stream : streams) client.reset(stream, 0x10c);
    until([&] { return observer.running == 0; });
    pass(50ms);
  }
  script = swallow;
  const auto last = upload(client, 10);
  until([&] { return unsent(client, last) == 0; });
  EXPECT_TRUE(client.connected());
}

TEST_F(QuicUploadWindowTest, OneThatHasKeptUpAndStopsLeavesNoMoreThanItsWindow) {
  constexpr std::size_t kKeepsUp = 8'000'000;
  constexpr std::size_t kAll = 20'000'000;
  std::size_t taken = 0;
  script = [&](Exchange& exchange) {
    auto& in = exchange.request_pipe().reader();
    while (in.available() > 0 && taken < kKeepsUp) taken += in.read(in.available()).size();
  };
  H3Client& client = connected();
  const auto stream = post(client);
  client.send(stream, std::string(kAll, 'x'), kYes);
  until([&] { return taken >= kKeepsUp; });
  pass(2s);
  const std::size_t ahead = kAll - client.unsent(stream) - taken;
  EXPECT_GT(ahead, 1024U * 1024);
  EXPECT_LE(ahead, options.h3.stream_window + options.h3.window_growth);
}

TEST_F(QuicUploadWindowTest, WhatAWindowHasGrownByIsThereOnce) {
  bool reads = true;
  script = [&](Exchange& exchange) {
    if (reads) swallow(exchange);
  };
  H3Client& client = connected();
  for (int round = 1; round <= 3; ++round) {
    const auto stream = post(client);
    client.send(stream, std::string(8'000'000, 'x'), kYes);
    until([&] { return observer.ended.size() == static_cast<std::size_t>(round); });
  }
  pass(1s);  // until the client has been told that it may open as many streams as before
  reads = false;
  const auto streams = upload(client, 100);
  pass(2s);
  const std::size_t sent = streams.size() * kBody - unsent(client, streams);
  EXPECT_GE(sent, options.h3.connection_window - kBody);
  EXPECT_LE(sent, options.h3.connection_window + options.h3.window_growth);
}

}  // namespace
}  // namespace gatehouse
