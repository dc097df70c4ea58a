// What becomes of an answer's head on its way to the client: hop-by-hop fields and what Connection names go, those
// that speak to a proxy too; to a Proxy-Status of the endpoint (RFC 9209) ours is appended; the route's edits come
// last. Location and cookies stay as they are. Pure functions, any thread.
#pragma once

#include "proxy/forward/route_table.h"
#include "proxy/http/message.h"

namespace gatehouse {

void apply_response_rules(ResponseHead& head, const Route& route);
void apply_interim_response_rules(ResponseHead& head);  // 103: no edits

}  // namespace gatehouse
