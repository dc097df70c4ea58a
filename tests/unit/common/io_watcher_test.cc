#include "common/io_watcher.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "common/fd.h"
#include "tests/support/loop_testing.h"
#include "tests/support/stream_testing.h"

namespace gatehouse {
namespace {

using testing_support::connected_pair;
using testing_support::Log;
using testing_support::SocketKind;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }
  Fd out;
  Fd in;
};

class IoWatcherTest : public testing_support::LoopTest {};

TEST_F(IoWatcherTest, TellsEachEdgeOnceAndBothDirectionsAndTheEnd) {
  const auto [ours, theirs] = connected_pair(SocketKind::kUnix);
  std::vector<IoEvents> seen;
  const IoWatcher watcher(loop, ours.get(), [&](IoEvents events) { seen.push_back(events); });
  turn();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].writable);
  EXPECT_FALSE(seen[0].readable);
  turn();
  EXPECT_EQ(seen.size(), 1U) << "edge-triggered";
  ASSERT_EQ(::write(theirs.get(), "x", 1), 1);
  turn();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen[1].readable);
  EXPECT_FALSE(seen[1].closed);
  turn();
  EXPECT_EQ(seen.size(), 2U) << "nothing new, though the byte is unread";
  ::shutdown(theirs.get(), SHUT_WR);
  turn();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_TRUE(seen[2].closed);
}

TEST_F(IoWatcherTest, APipeThatIsClosedBecomesReadable) {
  Pipe pipe;
  std::vector<IoEvents> seen;
  const IoWatcher watcher(loop, pipe.out.get(), [&](IoEvents events) { seen.push_back(events); });
  turn();
  EXPECT_TRUE(seen.empty());
  pipe.in.reset();
  turn();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(seen[0].readable);
}

TEST_F(IoWatcherTest, OneMayDestroyAnotherOfTheSameBatchAndItself) {
  const auto a = connected_pair(SocketKind::kUnix);
  const auto b = connected_pair(SocketKind::kUnix);
  std::unique_ptr<IoWatcher> watch_a;
  std::unique_ptr<IoWatcher> watch_b;
  // The last statement destroys what is running, hence its captures.
  watch_a = std::make_unique<IoWatcher>(loop, a.first.get(), [&](IoEvents) {
    log.push_back("called");
    watch_b.reset();
    watch_a.reset();
  });
  watch_b = std::make_unique<IoWatcher>(loop, b.first.get(), [&](IoEvents) {
    log.push_back("called");
    watch_a.reset();
    watch_b.reset();
  });
  turn();
  EXPECT_EQ(log.size(), 1U);
}

TEST_F(IoWatcherTest, ANumberThatIsUsedAgainGetsEventsOfTheNewDescriptorOnly) {
  auto first = std::make_optional(connected_pair(SocketKind::kUnix));
  const int number = first->first.get();
  auto watcher = std::make_unique<IoWatcher>(loop, number, [&](IoEvents) { log.push_back("old"); });
  watcher.reset();
  first.reset();
  const auto second = connected_pair(SocketKind::kUnix);
  ASSERT_EQ(second.first.get(), number);
  const IoWatcher again(loop, number, [&](IoEvents) { log.push_back("new"); });
  turn();
  EXPECT_EQ(log, Log{"new"});
}

}  // namespace
}  // namespace gatehouse
