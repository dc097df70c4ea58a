#include "proxy/forward/routing.h"

#include <algorithm>
#include <string>
#include <variant>

#include "proxy/forward/auth_responder.h"
#include "proxy/forward/fixed_response.h"
#include "proxy/forward/forwarder.h"
#include "proxy/forward/redirect.h"
#include "proxy/forward/request_rules.h"
#include "proxy/forward/static_files.h"
#include "proxy/http/forwarded.h"
#include "proxy/http/path_readings.h"
#include "proxy/http/request_id.h"

namespace gatehouse {

namespace {

constexpr std::uint16_t kHttpsPort = 443;

// Of a request that somebody may repeat who is not the client: it changes nothing, and is whole (RFC 8470 section 4).
bool may_be_early(const RequestHead& head) {
  return head.is_safe() && head.body.is_empty() && !head.asks_for_tunnel();
}

// A client that has come to a trusted proxy by https is there already: it would be sent round for ever.
bool leads_to_https(const Exchange& exchange, const Route* route) {
  const ClientInfo& client = exchange.client();
  if (!client.listener || !client.listener->redirect_to_https) return false;
  if (route != nullptr && !route->redirect_to_https) return false;
  return !https_said(client, exchange.request().fields);
}

// What the route does, once its gates have let the request pass.
std::unique_ptr<Responder> responder_of(Exchange& exchange, const Route& route, UpstreamPools& pools,
                                        EarlyHints& hints) {
  if (const auto* action = std::get_if<RedirectTo>(&route.action)) return redirect::to(exchange, route, *action);
  if (const auto* action = std::get_if<RespondWith>(&route.action))
    return fixed_response::respond(exchange, route, *action);
  if (const auto* action = std::get_if<ServeFiles>(&route.action)) return static_files::serve(exchange, route, *action);
  return std::make_unique<Forwarder>(exchange, route, pools, hints);
}

}  // namespace

std::expected<RegisteredRoutes::Match, Fault> route_of(const Routes& routes, const ListenerPolicy* listener,
                                                       const RequestHead& head) {
  const auto match = [&](std::string_view path) -> RegisteredRoutes::Match {
    if (routes.registered == nullptr || listener == nullptr)
      return {.route = routes.configured->match(head.host(), path)};
    return routes.registered->match(*routes.configured, *listener, head.host(), path);
  };
  const RegisteredRoutes::Match found = match(head.canonical_path());
  if (!head.path_is_ambiguous) return found;
  const auto readings = target::path_readings(head.path());
  const auto fits = [&](const std::string& reading) { return match(reading).route == found.route; };
  if (!readings || !std::ranges::all_of(*readings, fits)) return std::unexpected(Fault::kAmbiguousPath);
  return found;
}

std::unique_ptr<Responder> make_responder(Exchange& exchange, const Routes& routes, UpstreamPools& pools,
                                          EarlyHints& hints) {
  RequestHead& head = exchange.request();
  strip_asserted_fields(head.fields, exchange.client());
  exchange.record().request_id = settled_request_id(head.fields);
  const auto& listener = exchange.client().listener;
  if (exchange.client().strayed) {
    if (head.authority.empty()) return fixed_response::fail(exchange, Fault::kPlainHttpOnTls);
    return redirect::to_https(exchange, listener->public_port == 0 ? kHttpsPort : listener->public_port);
  }
  const auto found = route_of(routes, listener.get(), head);
  if (!found) return fixed_response::fail(exchange, found.error());
  const Route* route = found->route;
  if (leads_to_https(exchange, route)) return redirect::to_https(exchange, listener->https_port);
  if (route == nullptr) return fixed_response::fail(exchange, Fault::kNoRoute);
  if (found->entry == nullptr) [[likely]] {
    exchange.pin(routes.configured);
  } else {
    exchange.pin(*found->entry);
  }
  exchange.record().route = route->name;
  if (route->h1_only) {
    if (is_binary(head.protocol)) return fixed_response::fail(exchange, Fault::kHttp11Required);
    exchange.withhold_alt_svc();
  }
  if (exchange.client().early && !may_be_early(head)) [[unlikely]] {
    return fixed_response::fail(exchange, Fault::kTooEarly);
  }
  if (!route->address_gate.admits(exchange.client().origin())) {
    return fixed_response::fail(exchange, Fault::kAccessDenied);
  }
  if (route->throttle) exchange.slow_down(*route->throttle);
  if (!route->auth) return responder_of(exchange, *route, pools, hints);
  // Somebody else's copy must not be served as who has signed in, nor cost a step.
  if (exchange.client().early) return fixed_response::fail(exchange, Fault::kTooEarly);
  return auth_responder::make(
      exchange, *route, [&exchange, route, &pools, &hints] { return responder_of(exchange, *route, pools, hints); });
}

}  // namespace gatehouse
