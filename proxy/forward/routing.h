// From an exchange to what answers it: the one place where the kinds of routes are told apart. A function of the
// exchange, the snapshot's routes and the worker's pools; called on the loop's thread, once per exchange.
#pragma once

#include <memory>

#include "proxy/forward/route_table.h"
#include "proxy/http/exchange.h"
#include "proxy/upstream/upstream_pools.h"

namespace gatehouse {

// The redirect to https of the exchange's listener (but for routes that stay out of it), or by its route a forwarder, a
// redirect, a fixed answer; kNoRoute where there is none. The exchange pins the table. For
// ExchangeContext::make_responder; never null.
std::unique_ptr<Responder> make_responder(Exchange& exchange, const std::shared_ptr<const RouteTable>& routes,
                                          UpstreamPools& pools);

}  // namespace gatehouse
