#include "proxy/frontend/lingering_close.h"

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/frontend_testing.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::chrono_literals;

class LingeringCloseTest : public ::testing::Test {
 protected:
  void begin() {
    auto [client, server] = MemoryStream::make_pair(world_.loop);
    client_ = std::move(client);
    LingeringClose::begin(world_.context, ClientTransport{.stream = std::move(server)}, Buffer("413"));
    world_.settle();
  }
  void send(std::size_t bytes) {
    Buffer more(std::string(bytes, 'x'));
    client_->write(more);
    world_.settle();
  }
  // Returns for how many seconds a client that sends a byte each second, all the time, is read.
  int seconds_of_a_slow_client() {
    begin();
    int seconds = 0;
    for (; lingers() && seconds < 200; ++seconds) {
      send(1);
      world_.advance(1s);
    }
    return seconds;
  }
  bool lingers() const { return world_.context.connections.size() > 0; }

  FrontendWorld world_;
  std::unique_ptr<MemoryStream> client_;
};

TEST_F(LingeringCloseTest, AClientThatStillSendsGetsThirtySecondsAndItsAnswer) {
  EXPECT_EQ(seconds_of_a_slow_client(), 30);
  EXPECT_FALSE(client_->was_reset());
  Buffer answer;
  client_->read(answer, 100);
  EXPECT_EQ(answer.to_string(), "413");
}

TEST_F(LingeringCloseTest, HowLongIsConfigured) {
  auto policy = std::make_shared<ListenerPolicy>(*world_.context.policy);
  policy->connection.linger_timeout = 90s;
  world_.context.policy = policy;
  EXPECT_EQ(seconds_of_a_slow_client(), 90);
}

TEST_F(LingeringCloseTest, FiveSecondsOfQuietEndIt) {
  begin();
  world_.advance(4s);
  send(1);
  world_.advance(4900ms);
  EXPECT_TRUE(lingers());
  world_.advance(200ms);
  EXPECT_FALSE(lingers());
}

TEST_F(LingeringCloseTest, NoNumberOfBytesEndsIt) {
  begin();
  for (int i = 0; i < 800; ++i) send(100UL * 1024);
  EXPECT_TRUE(lingers());
  client_->shutdown_write();
  world_.settle();
  EXPECT_FALSE(lingers());
}

TEST_F(LingeringCloseTest, ItMakesRoomForOthersHoweverMuchIsSent) {
  begin();
  EXPECT_EQ(world_.context.connections.make_room(1).total(), 0U) << "it has just begun";
  for (int i = 0; i < 4; ++i) {
    send(1000);
    world_.advance(1s);
  }
  Buffer more(std::string(1000, 'x'));
  client_->write(more);
  EXPECT_EQ(world_.context.connections.make_room(1).unfinished, 1U);
  EXPECT_FALSE(lingers());
}

TEST_F(LingeringCloseTest, WhereTheListenerGoesItHasASecond) {
  begin();
  world_.context.connections.drain_all();
  send(1);
  world_.advance(900ms);
  EXPECT_TRUE(lingers());
  send(1);
  world_.advance(200ms);
  EXPECT_FALSE(lingers());
}

TEST_F(LingeringCloseTest, OneWhoseAnswerIsNotTakenIsToldOf) {
  auto [client, server] = MemoryStream::make_pair(world_.loop, 10);
  LingeringClose::begin(world_.context, ClientTransport{.stream = std::move(server)}, Buffer(std::string(100, 'x')));
  world_.settle();
  EXPECT_EQ(world_.context.connections.make_room(1).total(), 0U);
  world_.advance(61s);
  EXPECT_FALSE(lingers());
  EXPECT_EQ(world_.counters.cut[static_cast<std::size_t>(Abuse::kStalled)].value(), 1U);
}

}  // namespace
}  // namespace gatehouse::testing_support
