// Requests of one worker that wait for a permit at an endpoint of one upstream, be it that all permits are taken or
// that an endpoint is still on its way, or that the process may not open another connection: first come first served,
// each no longer than queue_timeout. Owned by UpstreamPools, made when the first request waits and dropped when none
// does; one loop's thread but for the mailbox, through which endpoints post the permits that have become free, and the
// membership that it has changed.
//
//   UpstreamPools::wait --join--> first_ <-> waiter <-> ... <-> last_
//
//   an endpoint has a permit free        --post--> receive ----------+--> on_permit of the first
//   endpoints come, go or are well again --post--> look_for_permits -+--> on_refused of all, if none will come
//   there is room for a connection       ----------------^
//   queue_timeout of the first is over   --timer-> expire ------------> on_wait_timeout
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/coalesced_post.h"
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

// One request's turn in the line: a base of who waits. Destroying it leaves the line. Exactly one of on_permit(),
// on_wait_timeout() and on_refused() is called for each wait, unless the waiter is destroyed before. The waiter has
// left the line by then, and may wait again or be destroyed within the call.
class PoolWaiter {
 public:
  PoolWaiter(const PoolWaiter&) = delete;
  PoolWaiter& operator=(const PoolWaiter&) = delete;
  virtual ~PoolWaiter();

  // It has a permit at one of the upstream's endpoints, which may be another one than it would have chosen.
  virtual void on_permit(Permit permit) = 0;
  // It has waited for queue_timeout and gets nothing. `why` is kNoRoom where it was the process that could not open a
  // connection, else kTaken.
  virtual void on_wait_timeout(NoPermit why) = 0;
  // No endpoint will come. `refusal` lives as long as the call.
  virtual void on_refused(const Refusal& refusal) = 0;
  // What it wants of the endpoint. Asked for any number of times while it is the first in line, where the line looks
  // for permits itself; a permit that an endpoint hands over is taken without.
  virtual PickRequest pick_request() const { return {}; }
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
  // The limit that the line's configuration has for an endpoint; 0: none.
  const std::uint32_t max_requests;
  // Read and written on the loop's thread only; null once the line is gone.
  WaitingLine* line;
  CoalescedPost look = {};

  // Makes the line look for permits itself, in a later turn, once for all who ask before it does. Any thread that knows
  // that the line has not left it yet may call this: it holds the mutex under which the line leaves.
  static void ask_to_look(const std::shared_ptr<LineMailbox>& mailbox);
};

class WaitingLine {
 public:
  WaitingLine(UpstreamPools& owner, std::shared_ptr<const Upstream> upstream);
  ~WaitingLine();
  WaitingLine(const WaitingLine&) = delete;
  WaitingLine& operator=(const WaitingLine&) = delete;

  // Puts the waiter at the end. Never calls it before it returns. REQUIRES: upstream->begin_wait() was true for it, and
  // it does not wait already. The line calls upstream->end_wait() when it leaves.
  void join(PoolWaiter& waiter);
  // An endpoint hands over a permit, through the mailbox: the first in line gets it. Where there is no room for a
  // connection it goes back, and the line wants room. REQUIRES: somebody waits.
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
  // Runs later than join(), in the same turn at the earliest: the first in line may be refused.
  void begin();
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
  // Null: nobody waits any more.
  std::shared_ptr<LineMailbox> mailbox_;
  // The set whose endpoints know the mailbox.
  std::shared_ptr<const EndpointSet> stands_at_;
  bool wants_room_ = false;
  Waker begin_;
  // For the first in line, whose time is over first.
  Timer timer_;
  PoolWaiter* first_ = nullptr;
  PoolWaiter* last_ = nullptr;
};

}  // namespace gatehouse
