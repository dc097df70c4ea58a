// Requests of one worker that wait for a permit at an endpoint of one upstream, be it that all permits are taken or
// that an endpoint is still on its way, or that the process may not open another connection: first come first served,
// each no longer than queue_timeout. Owned by UpstreamPools, made when the first request waits and dropped when none
// does; one loop's thread but for the mailbox, through which endpoints post the permits that have become free, and the
// membership that it has changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/counters.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/pick_request.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

class EventLoop;
class UpstreamPools;
class WaitingLine;

// One request's turn in the line: a base of who waits. Destroying it leaves the line.
class PoolWaiter {
 public:
  PoolWaiter(const PoolWaiter&) = delete;
  PoolWaiter& operator=(const PoolWaiter&) = delete;
  virtual ~PoolWaiter();

  virtual void on_permit(Permit permit) = 0;  // it has left the line
  // Likewise, with nothing. `why` is kNoRoom where it was the process that could not open a connection.
  virtual void on_wait_timeout(NoPermit why) = 0;
  // It has left the line, and no endpoint will come. `refusal` lives as long as the call.
  virtual void on_refused(const Refusal& refusal) = 0;
  virtual PickRequest pick_request() const { return {}; }  // asked for only where it may choose
  bool waiting() const { return line_ != nullptr; }

 protected:
  PoolWaiter() = default;

 private:
  friend class WaitingLine;
  WaitingLine* line_ = nullptr;
  PoolWaiter* ahead_ = nullptr;
  PoolWaiter* behind_ = nullptr;
  MonotonicTime since_{};
};

// What endpoints know of a line: shared with them and with tasks on their way.
struct LineMailbox {
  EventLoop& loop;
  const std::uint32_t max_requests;
  WaitingLine* line;  // the loop's thread only; null once the line is gone
  std::atomic<bool> look_on_its_way = false;

  // Any thread that knows the line still stands there: it looks for permits itself, once for all who ask before it
  // does.
  static void ask_to_look(const std::shared_ptr<LineMailbox>& mailbox);
};

class WaitingLine {
 public:
  WaitingLine(UpstreamPools& owner, std::shared_ptr<const Upstream> upstream);
  ~WaitingLine();
  WaitingLine(const WaitingLine&) = delete;
  WaitingLine& operator=(const WaitingLine&) = delete;

  // REQUIRES: upstream->begin_wait() was true for it. Never calls the waiter before it returns.
  void join(PoolWaiter& waiter);
  // From the mailbox.
  void receive(Permit permit);
  // Endpoints have become available, or there are others: hands out what there is, or refuses all who wait.
  void look_for_permits();
  // Whether it is room for a connection that the first in line waits for. The line stands at no endpoint then: a permit
  // is of no use.
  bool wants_room() const { return wants_room_; }

 private:
  friend class PoolWaiter;
  void open();
  void close();
  void begin();  // in a later call than join(): the first in line may be refused
  void stand_at(const std::shared_ptr<const EndpointSet>& set);
  void hand_over(Permit permit);
  void leave_endpoints();
  void want_room(bool wants);
  void refuse_all();
  void unlink(PoolWaiter& waiter);
  void expire();
  void set_timer();

  UpstreamPools& owner_;
  std::shared_ptr<const Upstream> upstream_;
  UpstreamCounters& counters_;
  std::shared_ptr<LineMailbox> mailbox_;          // null: nobody waits any more
  std::shared_ptr<const EndpointSet> stands_at_;  // whose endpoints know the mailbox
  bool wants_room_ = false;
  Waker begin_;
  Timer timer_;  // for the first in line
  PoolWaiter* first_ = nullptr;
  PoolWaiter* last_ = nullptr;
};

}  // namespace gatehouse
