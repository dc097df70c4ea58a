// From an exchange to what answers it: the one place where the kinds of routes are told apart. A function of the
// exchange, the snapshot's routes, the worker's pools and what it knows of early hints; called on the loop's thread, once per exchange.
#pragma once

#include <expected>
#include <memory>

#include "proxy/forward/early_hints.h"
#include "proxy/forward/registered_routes.h"
#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/upstream/upstream_pools.h"

namespace gatehouse {

// By what a request is routed. Both outlive the call.
struct Routes {
  // Not null.
  const std::shared_ptr<const RouteTable>& configured;
  // Null: nothing is registered.
  const RegisteredRoutes* registered = nullptr;
};

// Returns the route of the request, or none where there is none. kAmbiguousPath: not all that a server may read in its
// path (path_readings.h) belongs to that route. `listener` is where it has come in; without one only what is configured
// counts.
std::expected<RegisteredRoutes::Match, Fault> route_of(const Routes& routes, const ListenerPolicy* listener,
                                                       const RequestHead& head);

// Returns the redirect to https of the exchange's listener (but for routes that stay out of it, and clients that have
// come to a trusted proxy by https), or what the route of
// the request asks for: a Forwarder, a redirect, a fixed answer, a file. Where there is no route, or no one route,
// it is a responder that fails with kNoRoute or the fault of route_of(); where h2 or h3 asks for a route of HTTP/1.1
// alone, with kHttp11Required; where the gates of the route do not let the request pass, with theirs. Never null. For
// ExchangeContext::make_responder.
//
// Before that it strips what the client may not assert, and settles the request id; with a route it names the route
// in the record, and the exchange pins what it is part of.
std::unique_ptr<Responder> make_responder(Exchange& exchange, const Routes& routes, UpstreamPools& pools,
                                          EarlyHints& hints);

}  // namespace gatehouse
