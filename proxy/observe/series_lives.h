// Which series of the page are still shown: what is labelled with an endpoint or a listener goes with it, but not before
// whoever scrapes has had the time to read its last counts. A name that comes back goes on counting where it was, so
// that no count goes back. Member of Metrics; control thread.
//
//   live --it is not there at a scrape--> gone --ten minutes later, and after two such scrapes--> hidden
//     ^                                     |                                                        |
//     +---------------- it is there again --+--------------------------------------------------------+
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"

namespace gatehouse {

class SeriesLives {
 public:
  // Upstream and endpoint, or a listener and nothing. The views are read during the call only.
  using Name = std::pair<std::string_view, std::string_view>;
  static constexpr Duration kGrace = std::chrono::minutes(10);
  // Scrapes that still show what has gone, however far apart they are.
  static constexpr std::uint32_t kLeastScrapes = 2;

  // A scrape begins; the calls of live() and gone() follow, then those of shown().
  void begin(MonotonicTime now) { now_ = now; }
  // It is there now.
  void live(const Name& name);
  // It is not there now. To be called once for each scrape; more often does no harm.
  void gone(const Name& name);
  bool shown(const Name& name) const;

 private:
  struct Gone {
    // The first scrape that did not find it, and the last one.
    MonotonicTime since{};
    MonotonicTime last{};
    std::uint32_t scrapes = 0;
  };

  MonotonicTime now_{};
  std::map<std::pair<std::string, std::string>, Gone> gone_;
};

}  // namespace gatehouse
