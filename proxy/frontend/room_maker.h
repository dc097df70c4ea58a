// A listener on its worker among all that spend from the same connection budget: finds room for the clients that wait
// in its backlog, and gives up connections for those that wait at others. Member of a TcpListener or a QuicDispatch;
// acts on the ConnectionList of its context. Its loop's thread; other workers reach it through ConnectionBudget, by
// post.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "proxy/http/counters.h"

namespace gatehouse {

class ConnectionBudget;
struct ListenerContext;

class RoomMaker {
 public:
  // Joins the budget of `context` and all above it until it is destroyed. `room` is called in a turn of its own, at
  // most once for each want(kLimit), when a permit has come back; also if satisfied() was called meanwhile, and never
  // after a want() for descriptors.
  RoomMaker(ListenerContext& context, std::move_only_function<void()> room);
  ~RoomMaker();
  RoomMaker(const RoomMaker&) = delete;
  RoomMaker& operator=(const RoomMaker&) = delete;

  // `clients` (1 at least) wait and cannot be let in for that reason: what can be closed for them is closed, at the
  // end of this turn or soon on other workers. Counts it, and says so in the log. The caller looks again by itself
  // after a while, since room() need not come, and calls this again then; not more often than some times a second.
  void want(ConnectionRefusal why, std::size_t clients);
  // Nobody waits any more: connections that have not ended yet for the last want() need not.
  void satisfied();

 private:
  friend class ConnectionBudget;
  // Closes up to so many connections of this listener on this worker and returns how many it closed.
  std::size_t give(std::size_t connections);
  void room_came() { room_(); }
  // `full` may be null: room has come in the meantime.
  void tell(ConnectionRefusal why, ConnectionBudget* full);

  ListenerContext& context_;
  std::move_only_function<void()> room_;
  const std::uint64_t id_;
  // Of the context, as it was joined.
  const std::shared_ptr<ConnectionBudget> budget_;
  // Null: nothing is wanted.
  std::shared_ptr<ConnectionBudget> wanted_from_;
};

}  // namespace gatehouse
