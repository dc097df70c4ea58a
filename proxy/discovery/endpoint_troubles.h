// What was last heard of each endpoint's troubles, so that the status can say why one is not well: the last check that
// failed, its ejection, the last request that ended badly there. Bounded. Owned by the UpstreamDirectory; the control
// thread's.
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

// How an endpoint does, in one word ("available", "failing", "draining", "unchecked", "unhealthy", "ejected", "lost")
// and, where it is not well, in a sentence.
struct EndpointCondition {
  std::string_view state = "available";
  std::string why;
  bool well() const { return state == "available"; }
};

class EndpointTroubles {
 public:
  static constexpr std::size_t kMost = 10'000;  // endpoints; more are not remembered

  void note_check(const Endpoint& endpoint, std::string why, WallTime now);  // empty: it passed
  void note_ejection(const Endpoint& endpoint, WallTime now);
  void note_fault(const FaultRecord& record);
  // Whether faults are remembered; the endpoints that have served since shall be told of by served(), now and then.
  bool remembers_faults() const { return faults_ > 0; }
  void served(const Endpoint& endpoint);

  EndpointCondition condition(const Endpoint& endpoint) const;

 private:
  struct Event {
    std::string text;
    WallTime time{};
    bool unreachable = false;  // a fault: there was no connection
  };
  struct Known {
    Event check;
    Event ejection;
    Event fault;
  };
  using Name = std::pair<std::string, std::string>;  // upstream, endpoint

  Known* entry(Name name);
  static std::string in_row(const Endpoint& endpoint, const Known& known);

  std::map<Name, Known> known_;
  std::size_t faults_ = 0;  // among them
};

}  // namespace gatehouse
