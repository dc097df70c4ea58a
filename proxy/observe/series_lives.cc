#include "proxy/observe/series_lives.h"

namespace gatehouse {

void SeriesLives::live(const Name& name) {
  if (!gone_.empty()) gone_.erase({std::string(name.first), std::string(name.second)});
}

void SeriesLives::gone(const Name& name) {
  const auto [entry, first] =
      gone_.try_emplace(std::pair<std::string, std::string>(name), Gone{.since = now_, .last = now_, .scrapes = 1});
  if (first || entry->second.last == now_) return;
  entry->second.last = now_;
  ++entry->second.scrapes;
}

bool SeriesLives::shown(const Name& name) const {
  if (gone_.empty()) return true;
  const auto entry = gone_.find({std::string(name.first), std::string(name.second)});
  if (entry == gone_.end()) return true;
  const Gone& gone = entry->second;
  return gone.scrapes <= kLeastScrapes || gone.last - gone.since < kGrace;
}

}  // namespace gatehouse
