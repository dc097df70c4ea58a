#include "proxy/server/reload_queue.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReloadQueueTest : public testing::Test {
 protected:
  bool ask(const std::string& who) {
    return queue.ask([this, who](const ControlReply& reply) { told.push_back(who + ": " + reply.text); });
  }

  ReloadQueue queue;
  std::vector<std::string> told;
};

TEST_F(ReloadQueueTest, AllWhoAskWhileOneRunsWaitForTheOneAfterIt) {
  EXPECT_TRUE(ask("first"));
  EXPECT_FALSE(ask("second"));
  EXPECT_FALSE(ask("third"));
  EXPECT_TRUE(queue.ended({.ok = true, .text = "1"})) << "what the others have asked for is to be read";
  EXPECT_THAT(told, ElementsAre("first: 1"));
  EXPECT_FALSE(queue.ended({.ok = true, .text = "2"})) << "once for both";
  EXPECT_THAT(told, ElementsAre("first: 1", "second: 2", "third: 2"));
  EXPECT_TRUE(ask("fourth"));
}

TEST_F(ReloadQueueTest, ASignalAsksToo) {
  EXPECT_TRUE(queue.ask({}));
  EXPECT_FALSE(queue.ask({}));
  EXPECT_TRUE(queue.ended({}));
  EXPECT_FALSE(queue.ended({}));
}

TEST_F(ReloadQueueTest, WhoeverWaitsIsToldThatThereIsNone) {
  EXPECT_TRUE(ask("first"));
  EXPECT_FALSE(ask("second"));
  queue.refuse({.ok = false, .text = "no"});
  EXPECT_THAT(told, ElementsAre("first: no", "second: no"));
  told.clear();
  queue.refuse({.ok = false, .text = "no"});
  EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace gatehouse
