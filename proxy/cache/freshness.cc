#include "proxy/cache/freshness.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "common/text.h"
#include "proxy/http/date.h"

namespace gatehouse::cache {

namespace {

using std::chrono::seconds;

constexpr std::string_view kExpires = "expires";
constexpr std::string_view kPragma = "pragma";
constexpr std::string_view kVary = "vary";

// Whose caching is understood here, for what must be (RFC 9111 section 5.2.2.3).
constexpr std::array<std::uint16_t, 15> kUnderstood = {200, 203, 204, 300, 301, 302, 303, 307,
                                                       308, 404, 405, 410, 414, 451, 501};

// By these a response tells of one request, its client or its connection and not of the resource: a part of it (206,
// 416), the outcome of a condition (304, 412), that this client may not have it, or not so, or not yet. 400 as well: who
// makes the application find fault with a field that is no part of the key would take the resource from all others.
// RFC 6585 forbids 428, 429, 431 and 511.
constexpr std::array<std::uint16_t, 17> kOfOneRequest = {206, 304, 400, 401, 403, 407, 408, 412, 416,
                                                         417, 421, 425, 426, 428, 429, 431, 511};

// RFC 9111 section 3: any final status, known or not, as every response that is stored says for how long it is good.
bool is_storable(std::uint16_t status) {
  return status >= 200 && status <= 599 && !std::ranges::contains(kOfOneRequest, status);
}

std::optional<WallTime> date_of(const FieldList& fields) {
  const auto value = fields.find(FieldName::kDate);
  return value ? parse_http_date(*value) : std::nullopt;
}

// From its generation, as the first of these says: s-maxage, max-age, Expires. An Expires that is no date is in the past
// (RFC 9111 section 5.3).
std::optional<Duration> said_lifetime(const CacheControl& control, const FieldList& fields, WallTime now) {
  if (control.s_maxage) return *control.s_maxage;
  if (control.max_age) return *control.max_age;
  const auto expires = fields.find(kExpires);
  if (!expires) return std::nullopt;
  const std::optional<WallTime> at = parse_http_date(*expires);
  if (!at) return Duration::zero();
  return std::max<Duration>(*at - date_of(fields).value_or(now), Duration::zero());
}

bool has_validator(const FieldList& fields) {
  return fields.find("etag") || fields.find("last-modified");
}

bool httpsys_takes(const RequestHead& request, const ResponseHead& response, const CacheControl& control) {
  return response.status == 200 && control.is_public && !control.no_cache && !response.fields.find(kVary) &&
         !response.fields.find(kPragma) && !request.fields.find(FieldName::kAuthorization);
}

// Who says must-understand says no-store to those who do not know it (RFC 9111 section 5.2.2.3), as HTTP.sys does not.
bool forbids_storing(Caching caching, const CacheControl& control, std::uint16_t status) {
  if (caching == Caching::kHttp && control.must_understand) return !std::ranges::contains(kUnderstood, status);
  return control.no_store;
}

// RFC 9111 section 3.5: what a client had to prove who it is for is nobody else's, unless it says so.
bool may_be_shared(const RequestHead& request, const CacheControl& control) {
  return !request.fields.find(FieldName::kAuthorization) || control.is_public || control.s_maxage ||
         control.must_revalidate;
}

}  // namespace

std::optional<Terms> terms_of(Caching caching, const RequestHead& request, const ResponseHead& response, WallTime now) {
  if (request.method != "GET" || !is_storable(response.status)) return std::nullopt;
  const CacheControl control = CacheControl::of(response.fields);
  if (forbids_storing(caching, control, response.status) || control.is_private) return std::nullopt;
  if (response.fields.find(FieldName::kSetCookie)) return std::nullopt;
  const std::optional<Duration> lifetime = said_lifetime(control, response.fields, now);
  if (caching == Caching::kHttpSys) {
    if (!lifetime || *lifetime <= Duration::zero() || !httpsys_takes(request, response, control)) return std::nullopt;
    return Terms{.lifetime = *lifetime, .may_be_stale = false};
  }
  if (!may_be_shared(request, control)) return std::nullopt;
  const bool keeps_by_asking = has_validator(response.fields) && (control.no_cache || lifetime);
  const bool fresh_at_all = lifetime && *lifetime > Duration::zero() && !control.no_cache;
  const Duration beyond = std::max(control.stale_while_revalidate.value_or(seconds::zero()),
                                   control.stale_if_error.value_or(seconds::zero()));
  if (!fresh_at_all && !keeps_by_asking && (!lifetime || beyond == Duration::zero())) return std::nullopt;
  if (control.no_cache) return Terms{.may_be_stale = false};
  Terms terms{.lifetime = lifetime.value_or(Duration::zero())};
  // s-maxage alone forbids it as well (section 5.2.2.10), but not to who says beside it for how long.
  const bool forbidden = control.must_revalidate || control.proxy_revalidate;
  terms.may_be_stale = !forbidden && !control.s_maxage;
  if (forbidden) return terms;
  terms.while_revalidate = control.stale_while_revalidate.value_or(seconds::zero());
  terms.if_error = control.stale_if_error.value_or(seconds::zero());
  return terms;
}

Duration initial_age(const FieldList& response, WallTime now, Duration took) {
  Duration apparent{};
  if (const auto date = date_of(response)) apparent = std::max<Duration>(now - *date, Duration::zero());
  Duration said{};
  if (const auto age = response.find("age")) {
    std::string_view first = *age;
    first = text::trim(first.substr(0, first.find(',')));
    const auto most = static_cast<std::uint64_t>(CacheControl::kLongest.count());
    if (const auto number = text::parse_decimal(first)) {
      said = seconds(static_cast<std::int64_t>(std::min(*number, most)));
    }
  }
  return std::max(apparent, said + took);
}

CacheControl control_of_request(const FieldList& request) {
  CacheControl control = CacheControl::of(request);
  if (request.find(FieldName::kCacheControl)) return control;
  const auto pragma = request.find(kPragma);
  control.no_cache = pragma && text::iequals(text::trim(*pragma), "no-cache");
  return control;
}

bool satisfies(const CacheControl& request, const Terms& terms, Duration age) {
  if (request.no_cache) return false;
  if (request.max_age && age > *request.max_age) return false;
  const Duration left = terms.lifetime - age;
  if (request.min_fresh && left < *request.min_fresh) return false;
  if (left > Duration::zero()) return true;
  return terms.may_be_stale && request.max_stale && -left <= *request.max_stale;
}

}  // namespace gatehouse::cache
