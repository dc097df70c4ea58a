// Responders that answer with files of a route's folder: what of the route the room proxy/files has to know. Owned by their
// exchange; one loop's thread.
#pragma once

#include <memory>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse::static_files {

// The file that the path leads to, as the route has it resolved, with the route's edits of the head; kPrefixNotLiteral
// where strip_prefix has nothing to take off. The exchange must pin the route.
std::unique_ptr<Responder> serve(Exchange& exchange, const Route& route, const ServeFiles& action);

}  // namespace gatehouse::static_files
