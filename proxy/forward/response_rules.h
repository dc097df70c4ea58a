// What becomes of an answer's head on its way to the client. Location and cookies stay as they are. The exchange adds
// Date and Alt-Svc later, and takes the framing out. Pure functions, any thread.
#pragma once

#include <string_view>

#include "proxy/forward/route_table.h"
#include "proxy/http/message.h"

namespace gatehouse {

// For a final head: hop-by-hop fields and what Connection names go (RFC 9110 section 7.6.1), and Proxy-* fields,
// which speak to a proxy that the client does not know it has. A Proxy-Status of the endpoint stays, and ours is
// appended (RFC 9209 section 2). X-Request-Id becomes `request_id`. The route's edits come last.
void apply_response_rules(ResponseHead& head, const Route& route, std::string_view request_id);
// For 103: the same without our Proxy-Status and without edits. What an endpoint says to us alone goes (X-Reset-Code,
// X-Delegate-*): whoever heeds it has taken it out of a final answer by then.
void apply_interim_response_rules(ResponseHead& head);

}  // namespace gatehouse
