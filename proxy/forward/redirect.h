// Responders that send the client elsewhere: where a route says, or to the same place by https. Neither reads the
// body of the request; each has answered when start() returns. Owned by their exchange, which outlives them; one
// loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse::redirect {

// Redirects by `action`, with the route's edits; kPrefixNotLiteral where strip_prefix has nothing to take off. `route` and
// `action` are read during the call only.
std::unique_ptr<Responder> to(Exchange& exchange, const Route& route, const RedirectTo& action);
// Redirects with 308 to the same target under https at `port`; kNoRoute where the request names no host (HTTP/1.0).
std::unique_ptr<Responder> to_https(Exchange& exchange, std::uint16_t port);

// The pure parts. Returns `pattern` with "{uri}" replaced by `uri`, and "{host}" by the request's host without port. What
// would lead to another site, as a path of two slashes at the front of Location does, leads to that path of this one.
std::string location(std::string_view pattern, const RequestHead& head, std::string_view uri);
// Returns path and query of the request; "/" for "*".
std::string uri_of(const RequestHead& head);
// Returns "https://host[:port]/path?query"; 443 is not written.
std::string https_location(const RequestHead& head, std::uint16_t port);

}  // namespace gatehouse::redirect
