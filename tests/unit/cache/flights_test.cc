#include "proxy/cache/flights.h"

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"

namespace gatehouse::cache {
namespace {

using namespace std::chrono_literals;
using Outcome = Flights::Outcome;

class FlightsTest : public ::testing::Test {
 protected:
  struct Guest {
    std::unique_ptr<Flights::Seat> seat;
    std::optional<Outcome> told;
  };

  Guest& sit() {
    guests.push_back(std::make_unique<Guest>());
    Guest& guest = *guests.back();
    guest.seat = flights.take_seat("key", loop, [&guest](Outcome outcome) { guest.told = outcome; });
    return guest;
  }
  void turn() { loop.turn(EventLoop::Wait::kNever); }

  ManualClock clock;
  EventLoop loop{clock};
  Flights flights;
  std::vector<std::unique_ptr<Guest>> guests;
};

TEST_F(FlightsTest, TheFirstLeadsAndTheOthersAreToldOnce) {
  Guest& leader = sit();
  Guest& second = sit();
  Guest& third = sit();
  EXPECT_TRUE(leader.seat->leads());
  EXPECT_FALSE(second.seat->leads());
  EXPECT_EQ(flights.waiting(), 2U);
  leader.seat->settle(Outcome::kStored, loop.now());
  EXPECT_EQ(second.told, std::nullopt) << "never from within";
  turn();
  EXPECT_EQ(second.told, Outcome::kStored);
  EXPECT_EQ(third.told, Outcome::kStored);
  EXPECT_EQ(leader.told, std::nullopt);
  EXPECT_TRUE(sit().seat->leads()) << "a flight of its own";
}

TEST_F(FlightsTest, WhereNothingIsStoredNobodyWaitsForAWhile) {
  Guest& leader = sit();
  Guest& second = sit();
  leader.seat->settle(Outcome::kNotStored, loop.now());
  turn();
  EXPECT_EQ(second.told, Outcome::kNotStored);
  EXPECT_EQ(sit().seat, nullptr);
  clock.advance(Flights::kCoolFor);
  turn();
  EXPECT_TRUE(sit().seat->leads());
}

TEST_F(FlightsTest, ALeaderThatGoesHandsOnInTurn) {
  Guest& leader = sit();
  Guest& second = sit();
  Guest& third = sit();
  leader.seat.reset();
  EXPECT_TRUE(second.seat->leads());
  second.seat.reset();
  turn();
  EXPECT_EQ(second.told, std::nullopt) << "it has gone before it was told";
  EXPECT_EQ(third.told, Outcome::kLeads);
  third.seat->settle(Outcome::kStored, loop.now());
  third.seat.reset();
  EXPECT_EQ(flights.waiting(), 0U);
  EXPECT_TRUE(sit().seat->leads());
}

TEST_F(FlightsTest, WhoGoesIsNotToldAndHoldsUpNobody) {
  Guest& leader = sit();
  Guest& second = sit();
  second.seat.reset();
  EXPECT_EQ(flights.waiting(), 0U);
  leader.seat->settle(Outcome::kStored, loop.now());
  turn();
  EXPECT_EQ(second.told, std::nullopt);
}

}  // namespace
}  // namespace gatehouse::cache
