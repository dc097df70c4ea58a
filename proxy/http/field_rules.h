// The one policy for request heads and trailers of every protocol (invariant I6): what a codec has read becomes a
// RequestHead, or a Fault. Sources: RFC 9110 sections 5.5, 5.6, 7.2, 8.6; RFC 9112 sections 3, 6; RFC 9113 section 8;
// RFC 9114 section 4. Pure functions, any thread.
#pragma once

#include <expected>
#include <string_view>

#include "proxy/http/client_info.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace gatehouse::field_rules {

bool is_token(std::string_view name);         // RFC 9110 section 5.6.2, not empty
bool is_field_value(std::string_view value);  // no CR, LF, NUL or other control but HTAB; no space or tab at either end

// Host, Content-Length, Transfer-Encoding and Expect leave the fields for members of the head, cookie crumbs become one
// Cookie, and names that some servers would take for one of ours (X_Forwarded_For, see disguise.h) are dropped.
// Hop-by-hop fields stay until remove_hop_by_hop(). On a fault `raw` keeps what has not been taken from it.
std::expected<RequestHead, Fault> check_request(RawRequest& raw, const HeadLimits& limits);

// Removes the fields that must not be in trailers: framing, routing, authentication, hop-by-hop, what vouches for
// somebody (asserted_fields.h, and `strip` of the listener) whoever says it, and whatever passes for one of these. On
// h2 and h3 pseudo-fields, connection-specific and invalid fields are a fault.
std::expected<FieldList, Fault> check_request_trailers(FieldList&& trailers, Protocol protocol,
                                                       const ListenerPolicy& policy);
// The same for the trailers of an endpoint's answer, with invalid fields removed. The one place for all protocols.
FieldList check_response_trailers(FieldList&& trailers);

// Removes hop-by-hop fields and those that Connection names, except Host and framing (RFC 9110 section 7.6.1).
void remove_hop_by_hop(FieldList& fields);

}  // namespace gatehouse::field_rules
