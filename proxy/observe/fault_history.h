// The exchanges that ended badly last: what each was, why, and where, but nothing that a client may hold secret (no
// path, no query, no header but the request id). Bounded, and what clients are to blame for has a share of its own,
// so that a flood of bad requests does not hide the endpoint that fails. A value of one thread: each worker's
// FaultBuffer has one, and the StatusBoard. Filling it again from exchanges allocates nothing once its texts have
// grown.
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
  // When the exchange ended.
  WallTime time{};
  Fault fault = Fault::kInternalError;
  Protocol protocol = Protocol::kH1;
  // That the client got; 0 where it got none.
  std::uint16_t status = 0;
  std::uint32_t attempts = 0;
  std::string listener;
  // Route, upstream and endpoint are empty where none was chosen.
  std::string route;
  std::string upstream;
  std::string endpoint;
  std::string request_id;
  // What is known besides the fault: the system's error, or what the control thread fills in, such as an app's last
  // words.
  std::string detail;
};

class FaultHistory {
 public:
  // How many are kept of those that clients are to blame for (Blame::kClient), and of all others.
  static constexpr std::size_t kByClients = 16;
  static constexpr std::size_t kByOthers = 48;
  // In bytes, of each text that is copied from an exchange; what is longer is cut.
  static constexpr std::size_t kLongestText = 200;

  // Adds a fault, and forgets the oldest of the same share where it is full. Of an exchange it copies what it needs.
  // REQUIRES: the exchange has a fault.
  void note(const Exchange& exchange, WallTime now);
  void note(FaultRecord record);

  bool empty() const { return by_clients_.count == 0 && by_others_.count == 0; }
  // Both shares together, by time; copies.
  std::vector<FaultRecord> newest_first() const;
  // All of them, oldest first, and forgets them; the room for their texts is kept.
  std::vector<FaultRecord> take();

 private:
  // The last `most` records.
  //
  //   records   [ 5 | 6 | 2 | 3 | 4 ]      most = count = 5; the next one takes the place of 2
  //                       ^ at: the oldest, once it is full; 0 before
  struct Ring {
    explicit Ring(std::size_t size) : most(size) {}
    // The place for one record more, with what was there before still in it.
    FaultRecord& next();
    // Oldest first.
    void append_to(std::vector<FaultRecord>& all) const;
    std::size_t most;
    std::size_t count = 0;
    std::size_t at = 0;
    std::vector<FaultRecord> records;
  };
  // The share that a fault belongs to, by who is to blame for it.
  Ring& ring_of(Fault fault);

  Ring by_clients_{kByClients};
  Ring by_others_{kByOthers};
};

}  // namespace gatehouse
