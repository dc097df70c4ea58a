// What a route's edits do to the fields of a head: names of framing and of the connection were refused when the
// configuration was read. The responders and the rules for heads use it. Pure, any thread.
#pragma once

#include "config/policy/header_edits.h"
#include "proxy/http/field_list.h"

namespace gatehouse {

// Removes fields first, then sets, then adds.
void apply(const HeaderEdits& edits, FieldList& fields);

}  // namespace gatehouse
