// Responders that say what is known before anybody is asked: what a route's `respond` says, a head alone, or a fault.
// Owned by their exchange; one loop's thread.
#pragma once

#include <memory>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse::fixed_response {

// The status and text of the route's action, which the exchange must pin, with the route's edits of the head.
std::unique_ptr<Responder> respond(Exchange& exchange, const Route& route, const RespondWith& action);

// Responds with this head and no body.
std::unique_ptr<Responder> respond(Exchange& exchange, ResponseHead head);

// Ends the exchange with a fault, as soon as it starts.
std::unique_ptr<Responder> fail(Exchange& exchange, Fault fault);

}  // namespace gatehouse::fixed_response
