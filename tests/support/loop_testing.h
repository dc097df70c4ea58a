// What the tests of the loop and of its members share: a loop on a manual clock, and a list of what happened. All of it
// belongs to the test's thread.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/event_loop.h"

namespace gatehouse::testing_support {

using Log = std::vector<std::string>;

class LoopTest : public testing::Test {
 protected:
  void turn() { loop.turn(EventLoop::Wait::kNever); }
  void advance(Duration by) {
    clock.advance(by);
    turn();
  }

  ManualClock clock;
  EventLoop loop{clock};
  Log log;
};

}  // namespace gatehouse::testing_support
