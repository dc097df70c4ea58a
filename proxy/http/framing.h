// How long the body of a message is, told from its Content-Length and Transfer-Encoding fields (RFC 9112 section 6),
// with no allowance: what two parsers could read differently is a fault. One function for the parser, which needs it to
// find the end of a message, and for field_rules, which judges heads of every protocol. Pure, any thread.
#pragma once

#include <expected>

#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse::framing {

// kNone without either field. `invalid` is the fault of everything but a transfer coding that is not implemented.
std::expected<BodyLength, Fault> body_length(const FieldList& fields, Protocol protocol, Fault invalid);

// "Content_Length", "Transfer.Encoding" and the like, which some servers take for the real ones.
bool is_disguised(const Field& field);

}  // namespace gatehouse::framing
