// What becomes of a request head on its way to an endpoint: what the client may not assert and hop-by-hop fields go,
// what only we may say is said anew, and the route's edits come last. Pure functions but for the making of request
// ids; any thread.
//
//   make_responder:    strip_asserted_fields, the request id, then the route is chosen
//   Forwarder::start:  request_ends_here, request_has_come_back, forwarded_target, apply_request_rules
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "proxy/forward/route_table.h"
#include "proxy/http/client_info.h"
#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

// Removes what vouches for somebody and is not for this client to say (asserted_fields.h). Comes first, so that
// whatever answers the exchange sees nothing of it.
void strip_asserted_fields(FieldList& fields, const ClientInfo& client);

// Whether the request has been here already, on this listener and route, as Via says (RFC 9110 section 7.6.3): the
// route leads back to itself. Never true where the route sends no Via. Comes before apply_request_rules(), which adds
// our Via.
bool request_has_come_back(const RequestHead& head, const ClientInfo& client, const Route& route);

// Rewrites `head.fields`. To be called once per exchange: elements of lists are appended. What is done, in this order:
//
//   hop-by-hop fields, and those that Connection names, go (RFC 9110 section 7.6.1)
//   X-Forwarded-*, X-Real-IP and Forwarded (RFC 7239) are continued, or begun, as the route wants
//   Client-Cert and Client-Cert-Chain (RFC 9440) are said where the client has shown a certificate
//   Via gets our element (RFC 9110 section 7.6.3)
//   X-Request-Id becomes `request_id`
//   Max-Forwards of OPTIONS is counted down (RFC 9110 section 7.6.2)
//   other spellings of names that the route sets or removes go, and the route's edits are made
void apply_request_rules(RequestHead& head, const ClientInfo& client, const Route& route, std::string_view request_id);

// Returns the target as the endpoint gets it, where that differs from the client's: characters that no target may have
// are escaped, the route's path is taken off (strip_prefix), what is left of the path is resolved (path_as), and put
// where the route's `rewrite` wants it. Else returns an empty string. kPrefixNotLiteral: the path as sent does not begin
// with the route's, by whole segments, or what is left leads above the root. kUnsafeTarget: with what stands behind it
// in `rewrite` it can be read as one that leads out of what stands before it.
std::expected<std::string, Fault> forwarded_target(const RequestHead& head, const Route& route);

// True if an OPTIONS request must not go any further: its Max-Forwards is 0 (RFC 9110 section 7.6.2).
bool request_ends_here(const RequestHead& head);

}  // namespace gatehouse
