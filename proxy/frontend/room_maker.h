// A listener on its worker among all that spend from the same connection budget: finds room for the clients that wait
// at its door, and gives up connections for those that wait at others'. Member of a TcpListener or a QuicDispatch,
// beside the ConnectionList of its context; its loop's thread.
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
  // `room` is called, in a turn of its own, once there may be room after want().
  RoomMaker(ListenerContext& context, std::move_only_function<void()> room);
  ~RoomMaker();
  RoomMaker(const RoomMaker&) = delete;
  RoomMaker& operator=(const RoomMaker&) = delete;

  // `clients` (1 at least) wait and cannot be let in for that reason: what can be closed for them is closed, at the end
  // of this turn or soon on other workers. Counts it, and says so in the log. To be called again after a while if
  // room() has not come; not more often than some times a second.
  void want(ConnectionRefusal why, std::size_t clients);
  // Nobody waits any more.
  void satisfied();

 private:
  friend class ConnectionBudget;
  std::size_t give(std::size_t connections);  // how many it closed
  void room_came() { room_(); }
  void tell(ConnectionRefusal why, const ConnectionBudget* full);

  ListenerContext& context_;
  std::move_only_function<void()> room_;
  const std::uint64_t id_;
  const std::shared_ptr<ConnectionBudget> budget_;  // of the context, as it was joined
  std::shared_ptr<ConnectionBudget> wanted_from_;   // null: nothing is wanted
};

}  // namespace gatehouse
