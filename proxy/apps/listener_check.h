// Whether a process that has refused a connection has stopped listening for good: connects to it every 200 ms, and says
// so once nothing but refusals has come for two seconds. Any other outcome ends the check: a connection, and likewise a
// full backlog or no answer in time, which mean that it is busy. Member of the Instance; control thread.
//
//   begin --> connect --200 ms--> refused? --no--> at rest
//               ^                    | yes
//               +---- less than 2 s -+- 2 s --> gone()
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/address.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/timer.h"

namespace gatehouse {

class EventLoop;

class ListenerCheck {
 public:
  // `gone` is called from the loop, at most once for each check, and may not destroy this.
  ListenerCheck(EventLoop& loop, std::move_only_function<void()> gone);

  // A connection to `address` was refused. Nothing happens while a check is under way.
  void begin(const Address& address);
  // Ends a check without an outcome.
  void stop();

 private:
  void ask();
  void judge();

  EventLoop& loop_;
  std::move_only_function<void()> gone_;
  Address address_;
  MonotonicTime since_{};
  // What the connection came to, an errno or 0; nothing: it is still being made.
  std::optional<int> outcome_;
  Fd socket_;
  std::unique_ptr<IoWatcher> watcher_;
  // Armed while a check is under way.
  Timer timer_;
};

}  // namespace gatehouse
