// How long the body of a message is, told from its Content-Length and Transfer-Encoding fields (RFC 9112 section 6),
// with no allowance: what two parsers could read differently is a fault. One function for the parser, which needs it to
// find the end of a message, and for field_rules, which judges heads of every protocol. Pure, any thread.
#pragma once

#include <expected>

#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse::framing {

// Returns kKnown for a Content-Length, kUnknown for "Transfer-Encoding: chunked" alone, and kNone without either
// field. kCodingNotImplemented stands for a list of transfer codings that is valid and another than that; `invalid`
// is the fault of everything else: a field twice, both fields, a transfer coding outside of HTTP/1.1, a length that
// is no plain decimal number.
std::expected<BodyLength, Fault> body_length(const FieldList& fields, Protocol protocol, Fault invalid);

// Whether the name is "Content_Length", "Transfer.Encoding" or the like, which some servers take for the real ones.
// Such a message is refused, not cleaned.
bool is_disguised(const Field& field);

}  // namespace gatehouse::framing
