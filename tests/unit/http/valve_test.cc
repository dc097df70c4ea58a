// Bodies that share a bandwidth: what passes and when, that the end is behind it, and that room and credit are those of
// a pipe without a valve.
#include "proxy/http/exchange/valve.h"

#include <list>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/waker.h"
#include "proxy/http/exchange/body_pipe.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRate = 1'000'000;
// What passes at once where nothing did before.
constexpr std::size_t kAtOnce = kRate * 11 / 100;
constexpr std::size_t kQuantum = kRate / 100;

class ValveTest : public testing::Test {
 protected:
  struct Stream {
    Stream(EventLoop& loop, Throttle& throttle) : valve(std::in_place, loop, pipe, throttle) {}
    std::size_t take() {
      const std::size_t bytes = pipe.reader().read(1 << 30).size();
      taken += bytes;
      return bytes;
    }
    BodyPipe pipe{1 << 20};
    std::size_t taken = 0;
    std::optional<Valve> valve;
  };

  Stream& stream() { return streams.emplace_back(loop, throttle); }
  void pass(Duration time) {
    for (; time > Duration::zero(); time -= 1ms) {
      clock.advance(1ms);
      loop.turn(EventLoop::Wait::kNever);
    }
  }
  void write(Stream& to, std::size_t bytes) { to.pipe.writer().write(Buffer(std::string(bytes, 'x'))); }
  std::size_t take_all() {
    std::size_t bytes = 0;
    for (Stream& each : streams) bytes += each.take();
    return bytes;
  }

  ManualClock clock;
  EventLoop loop{clock};
  Throttle throttle{kRate};
  std::list<Stream> streams;
};

TEST_F(ValveTest, WhatIsLittlePassesAtOnce) {
  Stream& s = stream();
  write(s, kAtOnce);
  EXPECT_EQ(s.pipe.reader().available(), kAtOnce);
  EXPECT_EQ(s.valve->held(), 0U);
  EXPECT_EQ(s.valve->waited(), Duration::zero());
}

TEST_F(ValveTest, TheRestPassesAtTheRate) {
  Stream& s = stream();
  write(s, 1'000'000);
  const std::size_t first = s.take();
  EXPECT_LE(first, kAtOnce + kQuantum);
  for (int i = 1; i <= 8; ++i) {
    pass(100ms);
    s.take();
    const auto due = kAtOnce + kRate * static_cast<std::size_t>(i) / 10;
    EXPECT_LE(s.taken, due + kQuantum) << i;
    EXPECT_GE(s.taken + 3 * kQuantum, due) << i;
  }
  EXPECT_GE(s.valve->waited(), 700ms);
}

TEST_F(ValveTest, FiftyStreamsGetTheSameTotalAsOneAndEachItsShare) {
  for (int i = 0; i < 50; ++i) write(stream(), 500'000);
  take_all();
  for (Stream& each : streams) each.taken = 0;  // the first of them had what passes at once
  std::size_t total = 0;
  for (int i = 0; i < 500; ++i) {
    pass(10ms);
    total += take_all();
  }
  EXPECT_GE(total, 5 * kRate * 98 / 100);
  EXPECT_LE(total, 5 * kRate * 102 / 100);
  for (const Stream& each : streams) {
    EXPECT_GE(each.taken, total / 50 - 2 * kQuantum);
    EXPECT_LE(each.taken, total / 50 + 2 * kQuantum);
  }
}

TEST_F(ValveTest, ALoopThatComesLateLosesNothingOfAMoment) {
  Stream& s = stream();
  write(s, 900'000);
  s.take();
  for (int i = 0; i < 10; ++i) {
    clock.advance(40ms);
    loop.turn(EventLoop::Wait::kNever);
    s.take();
  }
  EXPECT_GE(s.taken, kAtOnce + 400'000 - 5 * kQuantum);
}

TEST_F(ValveTest, RoomAndCreditAreThoseOfWhatWasTaken) {
  Stream& s = stream();
  write(s, 500'000);
  EXPECT_EQ(s.pipe.writer().room(), (1U << 20) - 500'000);
  EXPECT_EQ(s.pipe.writer().take_credit(), 0U);
  const std::size_t taken = s.take();
  EXPECT_EQ(s.pipe.writer().take_credit(), taken);
  EXPECT_EQ(s.pipe.writer().room(), (1U << 20) - 500'000 + taken);
  EXPECT_EQ(s.pipe.held(), 500'000 - taken);
}

TEST_F(ValveTest, TheEndIsBehindTheBytes) {
  Stream& s = stream();
  int wakes = 0;
  Waker waker(loop, [&] { ++wakes; });
  s.pipe.reader().set_waker(&waker);
  write(s, 400'000);
  FieldList trailers;
  trailers.add("x-sum", "1");
  s.pipe.writer().finish(std::move(trailers));
  s.take();
  EXPECT_FALSE(s.pipe.reader().finished());
  EXPECT_FALSE(s.pipe.reader().at_end());
  pass(1s);
  EXPECT_TRUE(s.pipe.reader().finished());
  s.take();
  EXPECT_TRUE(s.pipe.reader().at_end());
  EXPECT_EQ(s.taken, 400'000U);
  EXPECT_EQ(s.pipe.reader().trailers().find("x-sum"), "1");
  EXPECT_GT(wakes, 5);
  EXPECT_LT(wakes, 40) << "a quantum at a time";
  s.pipe.reader().set_waker(nullptr);
}

TEST_F(ValveTest, WhatIsAbandonedGivesItsPlaceAndItsWindowBack) {
  Stream& first = stream();
  Stream& second = stream();
  write(first, 500'000);
  const std::size_t seen = first.pipe.reader().available();
  first.pipe.reader().abandon();
  EXPECT_EQ(first.pipe.writer().take_credit(), 500'000U);
  EXPECT_EQ(first.valve->held(), 0U);
  write(second, 500'000);
  pass(100ms);
  EXPECT_GE(second.take() + seen + 2 * kQuantum, kAtOnce + kRate / 10) << "nobody waits for what was dropped";
}

TEST_F(ValveTest, AStreamThatGoesGivesItsPlaceBack) {
  Stream& here = stream();
  for (int i = 0; i < 200; ++i) write(stream(), 100'000);
  write(here, 100'000);
  take_all();
  while (streams.size() > 1) streams.pop_back();
  pass(600ms);
  here.take();
  EXPECT_EQ(here.taken, 100'000U) << "without that it would have to wait for two seconds";
}

TEST_F(ValveTest, WhatWasInThePipeBeforeIsHeldToo) {
  BodyPipe pipe(1 << 20);
  pipe.writer().write(Buffer(std::string(500'000, 'x')));
  Valve valve(loop, pipe, throttle);
  EXPECT_LE(pipe.reader().available(), kAtOnce + kQuantum);
  EXPECT_EQ(pipe.reader().available() + pipe.held(), 500'000U);
}

TEST_F(ValveTest, ALimitThatIsExceededDropsWhatIsHeld) {
  Stream& s = stream();
  s.pipe.set_limit(300'000);
  write(s, 200'000);
  write(s, 200'000);
  s.pipe.set_limit(100'000);
  EXPECT_EQ(s.valve->held(), 0U);
  EXPECT_EQ(s.pipe.reader().available(), 0U);
  EXPECT_EQ(s.pipe.writer().take_credit(), 400'000U);
}

TEST_F(ValveTest, LastWordsThatAreOursGiveNoCredit) {
  Stream& s = stream();
  write(s, 100'000);
  s.pipe.writer().finish_with(Buffer("bye"));
  std::size_t credit = 0;
  for (int i = 0; i < 100; ++i) {
    s.take();
    credit += s.pipe.writer().take_credit();
    pass(10ms);
  }
  EXPECT_EQ(s.taken, 100'003U);
  EXPECT_EQ(credit, 100'000U);
}

}  // namespace
}  // namespace gatehouse
