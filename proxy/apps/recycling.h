// When an instance with nothing wrong about it is replaced all the same: it is old, has had its requests, or holds too
// much memory. Pure but for a little chance in the age. App asks it once a second and does the replacing.
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "config/policy/apps.h"

namespace gatehouse::recycling {

// What an instance has been through by now.
struct Wear {
  MonotonicTime old_at = MonotonicTime::max();  // as old_at() said when it got ready
  std::uint64_t requests = 0;
  std::uint64_t memory = 0;  // resident bytes, its children's included
};

// When an instance that is ready `now` is old: after nine to eleven tenths of `every`, so that the instances of a fleet
// do not go all at once. MonotonicTime::max() if never.
MonotonicTime old_at(const RecycleOptions& limits, MonotonicTime now);

// Says why an instance is to be replaced, in words for the log. Null: it is not.
const char* reason(const RecycleOptions& limits, const Wear& wear, MonotonicTime now);

}  // namespace gatehouse::recycling
