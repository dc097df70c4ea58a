// Why an instance with nothing wrong about it is replaced all the same: it is old, has had its requests, holds too much
// memory, or its time of the day has come. Pure but for a little chance in the age. App asks it once a second and does
// the replacing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/clock.h"
#include "config/policy/apps.h"

namespace gatehouse {

// A closed list: its labels are told to hooks.
enum class RecycleReason : std::uint8_t { kMemory, kRequests, kAge, kTimeOfDay, kFiles, kConfiguration, kCommand };
// "memory", "requests", "age", "time_of_day", "files", "configuration", "command".
std::string_view label(RecycleReason reason);

}  // namespace gatehouse

namespace gatehouse::recycling {

// What an instance has been through by now.
struct Wear {
  MonotonicTime old_at = MonotonicTime::max();  // as old_at() said when it got ready
  std::uint64_t requests = 0;
  std::uint64_t memory = 0;           // resident bytes, its children's included
  bool time_of_day_has_come = false;  // one of `at`
};

// When an instance that is ready `now` is old: after nine to eleven tenths of `every`, so that the instances of a fleet
// do not go all at once. MonotonicTime::max() if never.
MonotonicTime old_at(const RecycleOptions& limits, MonotonicTime now);

// Says why an instance is to be replaced; nothing: it is not.
std::optional<RecycleReason> reason(const RecycleOptions& limits, const Wear& wear, MonotonicTime now);

// The same in words for the log: "it is old".
std::string_view in_words(RecycleReason reason);

}  // namespace gatehouse::recycling
