// What may be stored, for how long it is fresh, and how old it is (RFC 9111 sections 3, 4.2 and 5.3; the rules of
// HTTP.sys). Pure functions of heads and times; any thread.
//
//   generated            stored                                   now
//   |---- initial age ----|------------- resident ----------------|
//   |---------------- lifetime ------------------|--- stale_for --|
#pragma once

#include <optional>
#include <string_view>

#include "common/clock.h"
#include "config/policy/caching.h"
#include "proxy/cache/cache_control.h"
#include "proxy/http/message.h"

namespace gatehouse::cache {

// What the head of a stored response allows.
struct Terms {
  // From its generation on; fresh no longer. Zero as well where each use has to be asked for (no-cache).
  Duration lifetime{};
  // Beyond its lifetime: while another is fetched, and where none can be had.
  Duration while_revalidate{};
  Duration if_error{};
  // Whether a client may ask for it though it is stale (max-stale).
  bool may_be_stale = true;
};

// Returns the terms of a response that may be stored, as an answer to this request; nothing if it may not. Only what
// says itself how long it is good for is stored: nothing is guessed (so that a page does not become public by the look of
// its URL), and nothing that sets a cookie. `now` is when its head came.
std::optional<Terms> terms_of(Caching caching, const RequestHead& request, const ResponseHead& response, WallTime now);

// How old a response was when its head came (RFC 9111 section 4.2.3): as Age and Date say, and the time that the request
// took.
Duration initial_age(const FieldList& response, WallTime now, Duration took);

// What a request says of stored responses that it would get, by Cache-Control or, where it has none, Pragma: no-cache.
CacheControl control_of_request(const FieldList& request);

// Whether the request lets a response of this age and these terms stand for an answer, while it is fresh, or stale as
// `max-stale` allows.
bool satisfies(const CacheControl& request, const Terms& terms, Duration age);

}  // namespace gatehouse::cache
