// Heads and trailers of answers as nghttp3 wants them: names and values without ownership, in an array of the
// thread's. nghttp3 copies them and writes names in lower case. Used by H3Stream; good until the thread builds
// another.
#pragma once

#include <span>

#include <nghttp3/nghttp3.h>

#include "proxy/http/field_list.h"
#include "proxy/http/message.h"

namespace gatehouse::h3_fields {

// Returns :status, the fields, and content-length where the length of the body is announced and the status may have
// one (RFC 9110 section 8.6).
std::span<const nghttp3_nv> of_head(const ResponseHead& head);
std::span<const nghttp3_nv> of_trailers(const FieldList& trailers);

}  // namespace gatehouse::h3_fields
