#include "proxy/discovery/failing_endpoints.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <string_view>
#include <system_error>

#include "common/text.h"

namespace gatehouse {
namespace {

// One request that failed may be the request's fault; but not that there was no connection.
bool has_failed_enough(const Endpoint& endpoint, const EndpointFailure& why) {
  const std::uint32_t enough = why.fault && is_connect(*why.fault) ? 1 : 2;
  return endpoint.failures_in_row() >= enough;
}

std::string in_words(const EndpointFailure& why) {
  if (!why.fault) return std::format("answers with status {}", why.status);
  const std::string_view label = rule(*why.fault).label;
  if (why.error == 0) return std::string(label);
  return std::format("{} ({})", label, std::generic_category().message(why.error));
}

// What becomes of requests meanwhile.
std::string consequence(const EndpointSet& set, const EndpointFailure& why) {
  const bool others = std::ranges::any_of(set.members, [](const EndpointSet::Member& member) {
    return member.endpoint->available() && !member.endpoint->trouble();
  });
  if (!why.fault) return "clients get what it answers";
  if (is_connect(*why.fault)) {
    if (others) return "its requests go to the others";
    if (set.when_none == EndpointSet::WhenNone::kWait) return "requests wait for another one";
  }
  return std::format("clients get {}", rule(*why.fault).status);
}

// "a, b and 3 more"
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  const std::size_t named = std::min(names.size(), FailingEndpoints::kMostNamed);
  for (std::size_t i = 0; i < named; ++i) text::add_to_list(text, names[i]);
  if (names.size() > named) text += std::format(" and {} more", names.size() - named);
  return text;
}

std::string seconds_text(Duration time) {
  return std::format("{} s", std::max<std::int64_t>(1, std::chrono::round<std::chrono::seconds>(time).count()));
}

}  // namespace

std::vector<FailingEndpoints::Line> FailingEndpoints::look(std::span<const std::shared_ptr<const EndpointSet>> sets,
                                                           MonotonicTime now) {
  std::vector<Line> lines;
  for (auto& [name, episode] : episodes_) episode.looked_at = false;
  for (const auto& set : sets) look_at(*set, now, lines);
  std::erase_if(episodes_, [](const auto& entry) { return !entry.second.looked_at; });
  return lines;
}

void FailingEndpoints::look_at(const EndpointSet& set, MonotonicTime now, std::vector<Line>& lines) {
  // By the reason in words, and what follows from it.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> begun;
  Ended ended;
  for (const EndpointSet::Member& member : set.members) {
    const Endpoint& endpoint = *member.endpoint;
    if (!look_at(endpoint, now, ended)) continue;
    const EndpointFailure why = endpoint.trouble().value_or(EndpointFailure{});
    begun[{in_words(why), consequence(set, why)}].push_back(endpoint.name());
  }
  if (set.members.empty()) return;
  const std::string& upstream = set.members.front().endpoint->upstream();
  for (const auto& [why, names] : begun) {
    lines.push_back({.trouble = true,
                     .text = std::format("upstream {}: {} {}: {}; {}", upstream, listed(names),
                                         names.size() == 1 ? "fails" : "fail", why.first, why.second)});
  }
  if (ended.endpoints.empty()) return;
  lines.push_back(
      {.trouble = false,
       .text = std::format("upstream {}: {} {} again: {} {} failed there in {}", upstream, listed(ended.endpoints),
                           ended.endpoints.size() == 1 ? "answers" : "answer", ended.failures,
                           ended.failures == 1 ? "request" : "requests", seconds_text(ended.longest))});
}

bool FailingEndpoints::look_at(const Endpoint& endpoint, MonotonicTime now, Ended& ended) {
  const std::optional<EndpointFailure> why = endpoint.trouble();
  if ((!why && episodes_.empty()) || endpoint.has(Obstacle::kNotServing)) return false;
  const Name name{endpoint.upstream(), endpoint.name()};
  const std::uint64_t failures = endpoint.failures();
  const auto known = episodes_.find(name);
  if (known == episodes_.end()) {
    if (!why || !has_failed_enough(endpoint, *why)) return false;
    episodes_[name] = {.since = now,
                       .failures_before = failures - std::min<std::uint64_t>(failures, endpoint.failures_in_row()),
                       .failures = failures,
                       .looked_at = true};
    return true;
  }
  Episode& episode = known->second;
  episode.looked_at = true;
  const bool failed_meanwhile = std::exchange(episode.failures, failures) != failures;
  if (why) {
    episode.well_since.reset();
  } else if (!episode.well_since || failed_meanwhile) {
    episode.well_since = now;
  } else if (now - *episode.well_since >= kQuiet) {
    ended.endpoints.push_back(endpoint.name());
    ended.failures += failures - episode.failures_before;
    ended.longest = std::max(ended.longest, *episode.well_since - episode.since);
    episodes_.erase(known);
  }
  return false;
}

}  // namespace gatehouse
