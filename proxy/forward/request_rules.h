// What becomes of a request head on its way to an endpoint: what the client may not assert and hop-by-hop fields go,
// what only we may say is said anew, and the route's edits come last. Pure functions but for the making of request ids;
// any thread.
#pragma once

#include <string>

#include "proxy/forward/route_table.h"
#include "proxy/http/client_info.h"
#include "proxy/http/exchange.h"
#include "proxy/http/message.h"

namespace gatehouse {

// Removes what vouches for somebody and is not for this client to say: see asserted_fields.h. Comes first, so that
// whatever answers the exchange sees nothing of it.
void strip_asserted_fields(FieldList& fields, const ClientInfo& client);

// Whether the request has been here already, on this listener and route, as Via says (RFC 9110 section 7.6.3): the
// route leads back to itself.
bool request_has_come_back(const RequestHead& head, const ClientInfo& client, const Route& route);

// Rewrites `head.fields` (and Max-Forwards' count in it), and sets record.request_id. To be called once per exchange.
void apply_request_rules(RequestHead& head, const ClientInfo& client, const Route& route, ExchangeRecord& record);
// X-Request-Id: the client's if it is a plausible one, else a new one; in the fields and in the record.
void settle_request_id(FieldList& fields, ExchangeRecord& record);

// The target as the endpoint gets it, where that differs from the client's (strip_prefix); else empty.
std::string stripped_target(const RequestHead& head, const Route& route);

// RFC 9110 section 7.6.2: true if an OPTIONS request must not go any further.
bool request_ends_here(const RequestHead& head);

}  // namespace gatehouse
