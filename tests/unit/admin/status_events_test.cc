// Who listens to the status gets each event, and holds nothing up who does not read.
#include "proxy/admin/status_events.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/exchange_testing.h"

namespace gatehouse {
namespace {

class StatusEventsTest : public testing::ExchangeTest {
 protected:
  void subscribe() {
    on_start = [this] { subscription.emplace(events, *exchange, R"({"n":0})"); };
    begin();
    turn();
  }

  StatusEvents events;
  std::optional<StatusEvents::Subscription> subscription;
};

TEST_F(StatusEventsTest, TheFirstEventComesAtOnceAndTheOthersAsTheyArePublished) {
  EXPECT_FALSE(events.listened_to());
  subscribe();
  EXPECT_TRUE(events.listened_to());
  EXPECT_EQ(exchange->response()->status, 200);
  EXPECT_EQ(field("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(read_all(), "retry: 1000\n\ndata: {\"n\":0}\n\n");
  events.publish(R"({"n":1})");
  EXPECT_EQ(read_all(), "data: {\"n\":1}\n\n");
  EXPECT_FALSE(exchange->responded());
}

TEST_F(StatusEventsTest, WhoDoesNotReadIsSentNothingMoreAndThenDropped) {
  subscribe();
  for (int i = 1; i < StatusEvents::kMissedEvents; ++i) events.publish(std::string(1000, 'x'));
  EXPECT_LT(exchange->response_body().available(), 100U);
  EXPECT_FALSE(exchange->broken_off().has_value());
  events.publish("x");
  EXPECT_EQ(exchange->broken_off(), Fault::kClientStalled);
}

TEST_F(StatusEventsTest, WhoReadsAgainInTimeStays) {
  subscribe();
  for (int round = 0; round < 3; ++round) {
    for (int i = 1; i < StatusEvents::kMissedEvents; ++i) events.publish("x");
    (void)read_all();
    events.publish("y");
    EXPECT_EQ(read_all(), "data: y\n\n");
  }
  EXPECT_FALSE(exchange->broken_off().has_value());
}

TEST_F(StatusEventsTest, WhoIsGoneIsForgotten) {
  subscribe();
  subscription.reset();
  EXPECT_FALSE(events.listened_to());
  events.publish("x");
}

}  // namespace
}  // namespace gatehouse
