// Which endpoints have begun to fail, and of which that is over, as lines for the log: one for all endpoints of an
// upstream that fail for the same reason, and one when they answer again, with how long and how many requests failed.
// Looks at what endpoints count by themselves, about once a second, so that requests have no part in it. Owned by the
// UpstreamDirectory; the control thread's.
//
//   well --failures in a row, or no connection--> failing (told) --well for 5 s--> well (told)
//                                                   ^  |
//                                                   +--+ a failure within these 5 s
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "proxy/upstream/endpoint_set.h"

namespace gatehouse {

class FailingEndpoints {
 public:
  // How long one that failed has to be well before that is believed.
  static constexpr std::chrono::seconds kQuiet{5};
  // How many endpoints a line names; of more it says how many there are.
  static constexpr std::size_t kMostNamed = 5;

  struct Line {
    // Something is wrong; else it is over.
    bool trouble = false;
    std::string text;
  };
  // Looks at all endpoints that there are, and returns what has changed since the last look. Those that are not in
  // `sets` any more, and those that do not serve, are forgotten without a word: somebody else has told of them.
  std::vector<Line> look(std::span<const std::shared_ptr<const EndpointSet>> sets, MonotonicTime now);

 private:
  struct Episode {
    MonotonicTime since{};
    // What the endpoint had counted before it.
    std::uint64_t failures_before = 0;
    // At the last look.
    std::uint64_t failures = 0;
    // Nothing while it fails.
    std::optional<MonotonicTime> well_since{};
    bool looked_at = false;
  };
  // The names of upstream and endpoint.
  using Name = std::pair<std::string, std::string>;
  // Those of one upstream that end with this look.
  struct Ended {
    std::vector<std::string> endpoints;
    std::uint64_t failures = 0;
    Duration longest{};
  };

  void look_at(const EndpointSet& set, MonotonicTime now, std::vector<Line>& lines);
  // True if it begins to fail.
  bool look_at(const Endpoint& endpoint, MonotonicTime now, Ended& ended);

  std::map<Name, Episode> episodes_;
};

}  // namespace gatehouse
