// From an exchange to what answers it: the one place where the kinds of routes are told apart. A function of the
// exchange, the snapshot's routes and the worker's pools; called on the loop's thread, once per exchange.
#pragma once

#include <memory>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange.h"
#include "proxy/upstream/upstream_pools.h"

namespace gatehouse {

// Returns the redirect to https of the exchange's listener (but for routes that stay out of it), or what the route of
// the request asks for: a Forwarder, a redirect, a fixed answer. Where there is no route it is a responder that fails
// with kNoRoute. Never null. For ExchangeContext::make_responder.
//
// Before that it strips what the client may not assert, and settles the request id; with a route it names the route
// in the record, and the exchange pins `routes`.
std::unique_ptr<Responder> make_responder(Exchange& exchange, const std::shared_ptr<const RouteTable>& routes,
                                          UpstreamPools& pools);

}  // namespace gatehouse
