// The exchanges that ended badly last: what each was, why, and where, but nothing that a client may hold secret (no
// path, no query, no header but the request id). Bounded, and what clients are to blame for has a share of its own, so
// that a flood of bad requests does not hide the endpoint that fails. A value of one thread; filling it again allocates
// nothing once its texts have grown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"
#include "proxy/http/fault.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

class Exchange;

struct FaultRecord {
  WallTime time{};
  Fault fault = Fault::kInternalError;
  Protocol protocol = Protocol::kH1;
  std::uint16_t status = 0;  // that the client got; 0: none
  std::uint32_t attempts = 0;
  std::string listener;
  std::string route;  // empty: none was chosen; likewise upstream and endpoint
  std::string upstream;
  std::string endpoint;
  std::string request_id;
  std::string detail;  // what is known besides the fault, filled in by the control thread
};

class FaultHistory {
 public:
  static constexpr std::size_t kByClients = 16;
  static constexpr std::size_t kByOthers = 48;
  static constexpr std::size_t kLongestText = 200;  // of each text; what is longer is cut

  // REQUIRES: the exchange has a fault.
  void note(const Exchange& exchange, WallTime now);
  void note(FaultRecord record);

  bool empty() const { return by_clients_.count == 0 && by_others_.count == 0; }
  std::vector<FaultRecord> newest_first() const;
  std::vector<FaultRecord> take();  // oldest first; it is empty then

 private:
  struct Ring {
    explicit Ring(std::size_t size) : most(size) {}
    FaultRecord& next();
    void append_to(std::vector<FaultRecord>& all) const;  // oldest first
    std::size_t most;
    std::size_t count = 0;
    std::size_t at = 0;  // of the oldest once it is full
    std::vector<FaultRecord> records;
  };
  Ring& ring_of(Fault fault);

  Ring by_clients_{kByClients};
  Ring by_others_{kByOthers};
};

}  // namespace gatehouse
