// The id of an exchange: by it the client's X-Request-Id, the endpoint's, the answer's and the line in the log are known
// to belong together. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/field_list.h"

namespace gatehouse {

// Returns the client's X-Request-Id if it is a plausible one (at most 128 characters of a few kinds), else a new one of
// 32 hexadecimal digits. To be called once per exchange, whatever answers it, when the fields that this client may not
// assert are gone.
std::string settled_request_id(const FieldList& fields);

// Puts the id into the head of a final answer, in place of any that the application has given. Comes before the edits
// of the route, which have the last word. Does nothing where there is no id, as on the admin address.
void say_request_id(FieldList& fields, std::string_view id);

}  // namespace gatehouse
