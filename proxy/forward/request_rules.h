// What becomes of a request head on its way to an endpoint: what the client may not assert and hop-by-hop fields go,
// what only we may say is said anew, and the route's edits come last. Pure functions but for the making of request
// ids; any thread.
//
//   make_responder:    strip_asserted_fields, the request id, then the route is chosen
//   Forwarder::start:  request_ends_here, request_has_come_back, stripped_target, apply_request_rules
#pragma once

#include <string>
#include <string_view>

#include "proxy/forward/route_table.h"
#include "proxy/http/client_info.h"
#include "proxy/http/message.h"

namespace gatehouse {

// Removes what vouches for somebody and is not for this client to say (asserted_fields.h). Comes first, so that
// whatever answers the exchange sees nothing of it.
void strip_asserted_fields(FieldList& fields, const ClientInfo& client);

// Whether the request has been here already, on this listener and route, as Via says (RFC 9110 section 7.6.3): the
// route leads back to itself. Never true where the route sends no Via. Comes before apply_request_rules(), which adds
// our Via.
bool request_has_come_back(const RequestHead& head, const ClientInfo& client, const Route& route);

// Returns the client's X-Request-Id if it is a plausible one (at most 128 characters of a few kinds), else a new one of
// 32 hexadecimal digits. To be called once per exchange, whatever answers it.
std::string settled_request_id(const FieldList& fields);

// Rewrites `head.fields`. To be called once per exchange: elements of lists are appended. What is done, in this order:
//
//   hop-by-hop fields, and those that Connection names, go (RFC 9110 section 7.6.1)
//   X-Forwarded-*, X-Real-IP and Forwarded (RFC 7239) are continued, or begun, as the route wants
//   Via gets our element (RFC 9110 section 7.6.3)
//   X-Request-Id becomes `request_id`
//   Max-Forwards of OPTIONS is counted down (RFC 9110 section 7.6.2)
//   other spellings of names that the route sets or removes go, and the route's edits are made
void apply_request_rules(RequestHead& head, const ClientInfo& client, const Route& route, std::string_view request_id);

// Returns the target as the endpoint gets it, where that differs from the client's (strip_prefix): as many segments
// go as the route's path has. Else returns an empty string.
std::string stripped_target(const RequestHead& head, const Route& route);

// True if an OPTIONS request must not go any further: its Max-Forwards is 0 (RFC 9110 section 7.6.2).
bool request_ends_here(const RequestHead& head);

}  // namespace gatehouse
