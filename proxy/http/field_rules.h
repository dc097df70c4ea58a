// The one policy for request heads and trailers of every protocol (invariant I6): what a codec has read becomes a
// RequestHead, or a Fault. Sources: RFC 9110 sections 5.5, 5.6, 7.2, 8.6; RFC 9112 sections 3, 6; RFC 9113 section 8;
// RFC 9114 section 4. Pure functions, any thread.
#pragma once

#include <expected>
#include <functional>
#include <string_view>

#include "proxy/http/client_info.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace gatehouse::field_rules {

// A valid name of a field, or a method (RFC 9110 section 5.6.2): not empty.
bool is_token(std::string_view name);
// A valid value (RFC 9110 section 5.5): no CR, LF, NUL or other control but HTAB, and no space or tab at either end.
// May be empty.
bool is_field_value(std::string_view value);

// Whether the client should have come by another connection with a request for `host` (RFC 9110 section 7.4); empty: by
// any. What the transport knows of it is the frontend's to say.
using Misdirected = std::move_only_function<bool(std::string_view host) const>;

// Judges a head and makes of it what the rest of the program sees. Host, Content-Length, Transfer-Encoding and Expect
// leave the fields for members of the head, cookie crumbs become one Cookie (RFC 9113 section 8.2.3), and names that
// some servers would take for one of ours (X_Forwarded_For, see disguise.h) are dropped. Hop-by-hop fields stay until
// remove_hop_by_hop(). Last it is asked whether the client came to the right place.
//
// An extended CONNECT (RFC 8441, RFC 9220) becomes a GET that asks for an upgrade, as it is on h1.
//
// Faults: kTargetTooLong, kHeadersTooLarge, kMalformedRequest, kMethodNotAllowed (CONNECT and TRACE), kUnsafeTarget,
// kCodingNotImplemented, kExpectationFailed, kHandshakeInvalid, kMisdirected. On a fault `raw` keeps what has not been taken from it, and
// what a log line tells of the request.
std::expected<RequestHead, Fault> check_request(RawRequest& raw, const HeadLimits& limits,
                                                const Misdirected& misdirected = {});

// Returns what is known of a rejected request, for its log line: no fields, and its target unchecked.
RequestHead rejected_head(RawRequest&& raw);

// Removes the fields that must not be in trailers (RFC 9110 section 6.5.1): framing, routing, authentication,
// hop-by-hop, what vouches for somebody (asserted_fields.h, and `strip` of the listener) whoever says it, and
// whatever passes for one of these. Trailers beyond their limit and invalid fields are a fault (kRequestBodyInvalid),
// as are pseudo-fields and connection-specific fields on h2 and h3 (RFC 9113 sections 8.1, 8.2).
std::expected<FieldList, Fault> check_request_trailers(FieldList&& trailers, Protocol protocol,
                                                       const ListenerPolicy& policy);
// The same for the trailers of an endpoint's answer, but for limits and `strip`; Proxy-Status stays (RFC 9209 section
// 2). Invalid fields are removed, too, so that there is no fault.
FieldList check_response_trailers(FieldList&& trailers);

// Removes hop-by-hop fields and those that Connection names, except Host and framing (RFC 9110 section 7.6.1). For
// requests and answers.
void remove_hop_by_hop(FieldList& fields);

}  // namespace gatehouse::field_rules
