// What becomes of a request that says which representation its client has (RFC 9110 section 13), by entity tags and by
// dates. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/clock.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

// What the current representation is known by.
struct Validators {
  // As it stands in ETag, with its quotes, and "W/" before them if it is a weak one; empty: there is none.
  std::string_view etag = {};
  // As Last-Modified says it, in whole seconds.
  std::optional<WallTime> modified = {};
};

enum class Precondition : std::uint8_t {
  // There is none, or it holds.
  kHolds,
  // 304: the client has it already.
  kNotModified,
  // 412.
  kFails,
};

// Judges a GET or HEAD by If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of RFC 9110
// section 13.2.2. A date that is none is as if it had not been said.
Precondition judge_preconditions(const FieldList& request, const Validators& current);

// Whether If-Range, if there is one, lets the Range of the request count: it names the current representation, by a
// strong validator. `now` tells whether a date is one: within a second of a change there may be another.
bool range_may_count(const FieldList& request, const Validators& current, WallTime now);

}  // namespace gatehouse
