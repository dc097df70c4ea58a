#include "proxy/discovery/endpoint_troubles.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <format>
#include <vector>

namespace gatehouse {
namespace {

// One request that failed may be the request's fault; from here on it looks like the endpoint's.
constexpr std::uint32_t kFailing = 2;

std::string clock_text(WallTime time) {
  return std::format("{:%T} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

EndpointTroubles::Known& EndpointTroubles::entry(Name name) {
  if (known_.size() >= kMost && !known_.contains(name)) forget_half();
  Known& known = known_[std::move(name)];
  known.note = ++notes_;
  return known;
}

void EndpointTroubles::forget_half() {
  std::vector<std::uint64_t> notes;
  for (const auto& [name, known] : known_) notes.push_back(known.note);
  const auto middle = notes.begin() + static_cast<std::ptrdiff_t>(notes.size() / 2);
  std::ranges::nth_element(notes, middle);
  std::erase_if(known_, [this, first = *middle](const auto& entry) {
    const Known& known = entry.second;
    if (known.note >= first) return false;
    if (!known.fault.text.empty()) --faults_;
    return true;
  });
}

void EndpointTroubles::note_check(const Endpoint& endpoint, std::string why, WallTime now) {
  Name name{endpoint.upstream(), endpoint.name()};
  if (why.empty() && !known_.contains(name)) return;
  entry(std::move(name)).check = {.text = std::move(why), .time = now};
}

void EndpointTroubles::note_ejection(const Endpoint& endpoint, WallTime now) {
  Known& known = entry({endpoint.upstream(), endpoint.name()});
  known.ejection = {.text = in_row(endpoint, known), .time = now};
}

void EndpointTroubles::note_fault(const FaultRecord& record) {
  if (record.endpoint.empty() || rule(record.fault).blame != Blame::kUpstream) return;
  Known& known = entry({record.upstream, record.endpoint});
  if (known.fault.text.empty()) ++faults_;
  known.fault = {
      .text = std::string(rule(record.fault).label), .time = record.time, .unreachable = is_connect(record.fault)};
}

void EndpointTroubles::served(const Endpoint& endpoint) {
  const auto found = known_.find({endpoint.upstream(), endpoint.name()});
  if (found == known_.end() || found->second.fault.text.empty()) return;
  found->second.fault = {};
  --faults_;
}

std::string EndpointTroubles::in_row(const Endpoint& endpoint, const Known& known) {
  const std::uint32_t count = endpoint.failures_in_row();
  std::string text =
      count == 1 ? "the last request failed there" : std::format("{} requests in a row failed there", count);
  if (!known.fault.text.empty()) text += std::format(" ({} at {})", known.fault.text, clock_text(known.fault.time));
  return text;
}

EndpointCondition EndpointTroubles::condition(const Endpoint& endpoint) const {
  static const Known kNothing;
  const auto found = known_.find({endpoint.upstream(), endpoint.name()});
  const Known& known = found == known_.end() ? kNothing : found->second;
  if (endpoint.has(Obstacle::kNotServing)) {
    return {.state = "draining",
            .why = "it gets no new requests: it is being stopped, or is gone from the configuration"};
  }
  if (endpoint.has(Obstacle::kUnhealthy)) {
    if (known.check.text.empty()) return {.state = "unhealthy", .why = "its health checks fail"};
    return {.state = "unhealthy",
            .why = std::format("its health check failed: {} at {}", known.check.text, clock_text(known.check.time))};
  }
  if (endpoint.has(Obstacle::kEjected)) {
    return {.state = "ejected",
            .why = std::format("taken out for a while at {}: {}", clock_text(known.ejection.time),
                               known.ejection.text.empty() ? "its requests kept failing" : known.ejection.text)};
  }
  if (endpoint.has(Obstacle::kUnchecked)) {
    if (known.check.text.empty()) return {.state = "unchecked", .why = "it has not passed its first health check yet"};
    return {.state = "unchecked",
            .why = std::format("it has not passed its first health check yet: {}", known.check.text)};
  }
  if (endpoint.has(Obstacle::kLost)) {
    return {.state = "lost", .why = "its process does not take connections; it is being looked into"};
  }
  const std::uint32_t failures = endpoint.failures_in_row();
  if (failures >= kFailing || (failures > 0 && known.fault.unreachable))
    return {.state = "failing", .why = in_row(endpoint, known)};
  return {};
}

}  // namespace gatehouse
