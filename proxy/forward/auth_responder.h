// Between a route with `auth` and what the route does: asks its gate, waits for the step that the gate wants taken away
// from the loop, and goes on with the responder that the route would have had at once, or answers with the gate's
// fault. The body of the request waits in its pipe meanwhile. Owned by its exchange, or not made at all where there is
// nothing to wait for; one loop's thread. Destroying it takes the step back.
//
//   make(): pass -------------------------------> the route's responder
//           refusal --> start(): fail
//           step -----> start(): wait --> pass --> the route's responder, owned and started
//                                     --> refusal, or another leg
#pragma once

#include <functional>
#include <memory>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse::auth_responder {

// The responder of the route for a request that may go on.
using Next = std::move_only_function<std::unique_ptr<Responder>()>;

// Takes X-Forwarded-User out of the request, whoever has sent it: on this route it is ours to say. Authorization that
// the gate has understood goes as well. REQUIRES: the route has `auth`, and lives as long as the exchange; the request
// is no early data.
std::unique_ptr<Responder> make(Exchange& exchange, const Route& route, Next next);

// Says to the endpoint who asks, behind all other rules. Nothing where nobody has signed in.
void say_user(Exchange& exchange);

}  // namespace gatehouse::auth_responder
