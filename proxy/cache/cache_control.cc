#include "proxy/cache/cache_control.h"

#include <algorithm>
#include <string_view>

#include "common/text.h"
#include "proxy/cache/list_field.h"

namespace gatehouse::cache {

namespace {

std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

std::chrono::seconds time_of(std::string_view value) {
  const bool digits = !value.empty() && std::ranges::all_of(value, text::is_digit);
  if (!digits) return std::chrono::seconds::zero();
  const std::optional<std::uint64_t> number = text::parse_decimal(value);
  const auto most = static_cast<std::uint64_t>(CacheControl::kLongest.count());
  return std::chrono::seconds(static_cast<std::int64_t>(std::min(number.value_or(most), most)));
}

struct Flag {
  std::string_view name;
  bool CacheControl::* member;
};
struct Time {
  std::string_view name;
  std::optional<std::chrono::seconds> CacheControl::* member;
};

constexpr Flag kFlags[] = {
    {"no-cache", &CacheControl::no_cache},
    {"no-store", &CacheControl::no_store},
    {"public", &CacheControl::is_public},
    {"private", &CacheControl::is_private},
    {"must-revalidate", &CacheControl::must_revalidate},
    {"proxy-revalidate", &CacheControl::proxy_revalidate},
    {"must-understand", &CacheControl::must_understand},
    {"only-if-cached", &CacheControl::only_if_cached},
};
constexpr Time kTimes[] = {
    {"max-age", &CacheControl::max_age},
    {"s-maxage", &CacheControl::s_maxage},
    {"stale-while-revalidate", &CacheControl::stale_while_revalidate},
    {"stale-if-error", &CacheControl::stale_if_error},
    {"max-stale", &CacheControl::max_stale},
    {"min-fresh", &CacheControl::min_fresh},
};

void take(CacheControl& control, std::string_view directive) {
  const std::size_t equals = directive.find('=');
  const std::string_view name = directive.substr(0, equals);
  for (const Flag& flag : kFlags) {
    if (text::iequals(name, flag.name)) control.*flag.member = true;
  }
  for (const Time& time : kTimes) {
    if (!text::iequals(name, time.name) || control.*time.member) continue;
    const bool any = equals == std::string_view::npos && time.member == &CacheControl::max_stale;
    const std::string_view value = equals == std::string_view::npos ? "" : directive.substr(equals + 1);
    control.*time.member = any ? CacheControl::kLongest : time_of(unquoted(value));
  }
}

}  // namespace

CacheControl CacheControl::of(const FieldList& fields) {
  CacheControl control;
  if (!fields.may_have(FieldName::kCacheControl)) return control;
  for (const Field field : fields) {
    if (field.id != FieldName::kCacheControl) continue;
    for_each_member(field.value, [&control](std::string_view directive) { take(control, directive); });
  }
  return control;
}

}  // namespace gatehouse::cache
