#include "proxy/cache/stored_response.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>

#include "common/text.h"
#include "proxy/http/conditional/byte_ranges.h"
#include "proxy/http/conditional/preconditions.h"
#include "proxy/http/date.h"

namespace gatehouse::cache {

namespace {

constexpr std::string_view kAge = "age";
constexpr std::string_view kCacheStatus = "Cache-Status";

bool is_named(const Field& field, std::string_view name) {
  return field.id == FieldName::kOther && text::iequals(field.name, name);
}

// The length and the form of a body, which says nothing of any other.
bool is_of_body(const Field& field) {
  static constexpr std::array<std::string_view, 6> kNames{"content-digest", "content-encoding", "content-length",
                                                          "content-md5",    "content-range",    "content-type"};
  return std::ranges::any_of(kNames, [&](std::string_view name) { return text::iequals(name, field.name); });
}

// What 304 must not say of a stored response (RFC 9111 section 3.2), and what is for one exchange alone.
bool stays_as_stored(const Field& field) {
  return is_of_body(field) || field.id == FieldName::kXRequestId || field.id == FieldName::kSetCookie ||
         is_named(field, kAge) || is_named(field, kCacheStatus);
}

void make_304(ResponseHead& head) {
  head.status = 304;
  head.reason.clear();
  head.fields.remove_if(is_of_body);
}

// By the response's own time, or by when it was made (RFC 9111 section 4.3.2).
Validators validators_of(const ResponseHead& stored) {
  auto modified = stored.fields.find("last-modified");
  if (!modified) modified = stored.fields.find(FieldName::kDate);
  return {.etag = stored.fields.find("etag").value_or(""), .modified = parse_http_date(modified.value_or(""))};
}

// Makes 206 or 416 of the whole. Several ranges are answered by the whole, which is always right.
void choose_range(std::string_view range, StoredResponse& out) {
  const RangeChoice choice = chosen_ranges(range, out.body.size());
  if (choice.kind == RangeChoice::Kind::kWhole || choice.parts.size() > 1) return;
  out.head.reason.clear();
  if (choice.kind == RangeChoice::Kind::kUnsatisfiable) {
    out.head.status = 416;
    out.head.fields.remove_if(is_of_body);
    out.head.fields.add("Content-Range", unsatisfied_range(out.body.size()));
    out.body = {};
    return;
  }
  const ByteRange& part = choice.parts.front();
  out.head.status = 206;
  out.head.fields.add("Content-Range", content_range(part, out.body.size()));
  out.body = out.body.substr(part.first, part.size);
}

}  // namespace

void say_cache_status(FieldList& fields, std::string_view parameters) {
  fields.add(kCacheStatus, std::format("gatehouse; {}", parameters));
}

ResponseHead head_to_store(const ResponseHead& head, WallTime now) {
  ResponseHead stored{.status = head.status, .reason = head.reason, .fields = head.fields.clone()};
  stored.fields.remove_any(FieldName::kXRequestId, FieldName::kAltSvc);
  stored.fields.remove_if([](const Field& field) { return is_named(field, kAge); });
  if (!stored.fields.find(FieldName::kDate)) stored.fields.add(FieldName::kDate, http_date(now));
  return stored;
}

ResponseHead updated_head(const ResponseHead& stored, const ResponseHead& not_modified) {
  ResponseHead head{.status = stored.status, .reason = stored.reason, .fields = stored.fields.clone()};
  for (const Field field : not_modified.fields) {
    if (!stays_as_stored(field)) head.fields.remove(field.name);
  }
  for (const Field field : not_modified.fields) {
    if (!stays_as_stored(field)) head.fields.add(field.name, field.value);
  }
  return head;
}

StoredResponse stored_response(const Entry& entry, const Conditions& conditions, MonotonicTime now, WallTime wall_now) {
  using std::chrono::seconds;
  StoredResponse out{
      .head = {.status = entry.head.status, .reason = entry.head.reason, .fields = entry.head.fields.clone()},
      .body = entry.text()};
  const auto age = std::chrono::duration_cast<seconds>(entry.age(now)).count();
  out.head.fields.add("Age", std::to_string(std::clamp<std::int64_t>(age, 0, CacheControl::kLongest.count())));
  if (entry.head.status != 200) return out;
  const Validators validators = validators_of(entry.head);
  if (judge_preconditions(conditions.fields, validators) == Precondition::kNotModified) {
    make_304(out.head);
    out.body = {};
    return out;
  }
  const auto range = conditions.fields.find("range");
  if (range && range_may_count(conditions.fields, validators, wall_now)) choose_range(*range, out);
  return out;
}

}  // namespace gatehouse::cache
