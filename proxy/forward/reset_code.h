// What an application may say by X-Reset-Code: that its answer is to be reset, with one of HTTP/2's error codes, instead
// of answered (as a header) or of ended (as a trailer). Clients never see the field. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/fault.h"
#include "proxy/http/field_list.h"

namespace gatehouse::reset_code {

enum class Where { kHead, kTrailers };

// Returns the codes for h2 and h3: N in decimal, 0 to 13 (RFC 9113 section 7). REFUSED_STREAM and HTTP_1_1_REQUIRED say
// that nothing was done, which is true before the first byte of a body: in the head only. Nothing where the value is not
// valid there; empty is not.
std::optional<ResetCodes> codes(std::string_view said, Where where);

// Takes the field out of a head, and returns what it said; nothing if there was none. Of several the values are joined
// by commas, which makes none of them valid.
std::optional<std::string> take(FieldList& fields);

}  // namespace gatehouse::reset_code
