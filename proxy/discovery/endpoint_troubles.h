// What was last heard of each endpoint's troubles, so that the status can say why one is not well: the last check that
// failed, its ejection, the last request that ended badly there. Knows endpoints by upstream and name, and keeps none
// of them alive. Bounded. Owned by the UpstreamDirectory; the control thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "proxy/observe/fault_history.h"
#include "proxy/upstream/endpoint.h"

namespace gatehouse {

// How an endpoint does, in one word and, where it is not well, in a sentence. The first word that is true is taken, in
// this order:
//
//   "draining", "unhealthy", "ejected", "unchecked", "lost"    an obstacle: it gets no requests
//   "failing"      requests fail there: two or more in a row, or the last one for want of a connection
//   "available"    nothing of the kind
struct EndpointCondition {
  std::string_view state = "available";
  std::string why;
  bool well() const { return state == "available"; }
};

class EndpointTroubles {
 public:
  // How many endpoints are remembered. One more, and the half of which nothing was noted for longest is forgotten:
  // endpoints that names lead to come and go.
  static constexpr std::size_t kMost = 10'000;

  // A check has failed, for the reason `why`. Empty: it passed.
  void note_check(const Endpoint& endpoint, std::string why, WallTime now);
  // It has been taken out. What is known of its failed requests by now is the reason that is told.
  void note_ejection(const Endpoint& endpoint, WallTime now);
  // A request ended badly. Records of faults that are not to be blamed on an endpoint, or that name none, are ignored.
  void note_fault(const FaultRecord& record);
  // Whether faults are remembered; the endpoints that have served since shall be told of by served(), now and then.
  bool remembers_faults() const { return faults_ > 0; }
  // The last fault there is forgotten.
  void served(const Endpoint& endpoint);

  // How the endpoint does now: its obstacles and its failures in a row, with what is remembered as the reason.
  EndpointCondition condition(const Endpoint& endpoint) const;

 private:
  struct Event {
    std::string text;
    WallTime time{};
    // Of a fault: there was no connection that could be used.
    bool unreachable = false;
  };
  struct Known {
    Event check;
    Event ejection;
    Event fault;
    // Counts what is noted: the number of the last note.
    std::uint64_t note = 0;
  };
  // The names of upstream and endpoint.
  using Name = std::pair<std::string, std::string>;

  // For a note.
  Known& entry(Name name);
  void forget_half();
  static std::string in_row(const Endpoint& endpoint, const Known& known);

  std::map<Name, Known> known_;
  // How many of them have a fault.
  std::size_t faults_ = 0;
  std::uint64_t notes_ = 0;
};

}  // namespace gatehouse
