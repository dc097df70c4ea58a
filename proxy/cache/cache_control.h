// What Cache-Control says (RFC 9111 section 5.2, RFC 5861), of a request or of a response. A value; pure, any thread.
//
// What is said twice counts as it was said first, and a time that is none counts as no time at all: a response is then
// stale rather than fresh for as long as somebody guesses (section 4.2.1). A directive that names fields (no-cache="a",
// private="a") holds for the whole response.
#pragma once

#include <chrono>
#include <optional>

#include "proxy/http/field_list.h"

namespace gatehouse::cache {

struct CacheControl {
  // "max-stale" without a time, and every time beyond that (section 1.2.2).
  static constexpr std::chrono::seconds kLongest{2'147'483'648};

  // Of requests and responses.
  bool no_cache = false;
  bool no_store = false;
  std::optional<std::chrono::seconds> max_age;
  // Of responses.
  bool is_public = false;
  bool is_private = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  std::optional<std::chrono::seconds> s_maxage;
  std::optional<std::chrono::seconds> stale_while_revalidate;
  std::optional<std::chrono::seconds> stale_if_error;
  // Of requests.
  bool only_if_cached = false;
  std::optional<std::chrono::seconds> max_stale;
  std::optional<std::chrono::seconds> min_fresh;

  static CacheControl of(const FieldList& fields);
};

}  // namespace gatehouse::cache
