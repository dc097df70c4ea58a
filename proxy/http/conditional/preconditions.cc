#include "proxy/http/conditional/preconditions.h"

#include <algorithm>
#include <chrono>

#include "common/text.h"
#include "proxy/http/date.h"

namespace gatehouse {

namespace {

constexpr std::string_view kWeakMark = "W/";

enum class Comparison : std::uint8_t { kStrong, kWeak };

bool is_weak(std::string_view etag) {
  return etag.starts_with(kWeakMark);
}

bool same(std::string_view a, std::string_view b, Comparison comparison) {
  if (comparison == Comparison::kStrong) return a == b && !is_weak(a);
  return (is_weak(a) ? a.substr(kWeakMark.size()) : a) == (is_weak(b) ? b.substr(kWeakMark.size()) : b);
}

// Takes the entity tag at the front, with what separates it from the one before; empty: there is none, or it is not
// well-formed.
std::string_view take_etag(std::string_view& list) {
  const std::size_t begin = list.find_first_not_of(" \t,");
  if (begin == std::string_view::npos) return {};
  list.remove_prefix(begin);
  const std::size_t open = is_weak(list) ? kWeakMark.size() : 0;
  if (open >= list.size() || list[open] != '"') return {};
  const std::size_t close = list.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  const std::string_view etag = list.substr(0, close + 1);
  list.remove_prefix(etag.size());
  return etag;
}

bool names(std::string_view list, std::string_view etag, Comparison comparison) {
  if (text::trim(list) == "*") return true;
  if (etag.empty()) return false;
  for (std::string_view one = take_etag(list); !one.empty(); one = take_etag(list)) {
    if (same(one, etag, comparison)) return true;
  }
  return false;
}

// Nothing: there is no such field.
std::optional<bool> any_names(const FieldList& request, std::string_view name, std::string_view etag,
                              Comparison comparison) {
  std::optional<bool> found;
  for (const Field field : request) {
    if (text::iequals(field.name, name)) found = found.value_or(false) || names(field.value, etag, comparison);
  }
  return found;
}

// Nothing: there is no such field, or it has no date.
std::optional<WallTime> date_in(const FieldList& request, std::string_view name) {
  const std::optional<std::string_view> said = request.find(name);
  return said ? parse_http_date(*said) : std::nullopt;
}

}  // namespace

Precondition judge_preconditions(const FieldList& request, const Validators& current) {
  const auto match = any_names(request, "If-Match", current.etag, Comparison::kStrong);
  if (match == false) return Precondition::kFails;
  if (!match && current.modified) {
    const std::optional<WallTime> unmodified_since = date_in(request, "If-Unmodified-Since");
    if (unmodified_since && *current.modified > *unmodified_since) return Precondition::kFails;
  }
  const auto none_match = any_names(request, "If-None-Match", current.etag, Comparison::kWeak);
  if (none_match) return *none_match ? Precondition::kNotModified : Precondition::kHolds;
  if (!current.modified) return Precondition::kHolds;
  const std::optional<WallTime> modified_since = date_in(request, "If-Modified-Since");
  const bool unchanged = modified_since && *current.modified <= *modified_since;
  return unchanged ? Precondition::kNotModified : Precondition::kHolds;
}

bool range_may_count(const FieldList& request, const Validators& current, WallTime now) {
  const std::optional<std::string_view> said = request.find("If-Range");
  if (!said) return true;
  std::string_view list = *said;
  if (const std::string_view etag = take_etag(list); !etag.empty()) {
    return text::trim(list).empty() && same(etag, current.etag, Comparison::kStrong);
  }
  const std::optional<WallTime> date = parse_http_date(*said);
  return date && current.modified && *date == *current.modified && now - *date >= std::chrono::seconds(1);
}

}  // namespace gatehouse
