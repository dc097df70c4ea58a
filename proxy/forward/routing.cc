#include "proxy/forward/routing.h"

#include <variant>

#include "proxy/forward/fixed_response.h"
#include "proxy/forward/forwarder.h"
#include "proxy/forward/redirect.h"
#include "proxy/forward/request_rules.h"

namespace gatehouse {

std::unique_ptr<Responder> make_responder(Exchange& exchange, const std::shared_ptr<const RouteTable>& routes,
                                          UpstreamPools& pools) {
  RequestHead& head = exchange.request();
  strip_asserted_fields(head.fields, exchange.client());
  exchange.record().request_id = settled_request_id(head.fields);
  const auto& listener = exchange.client().listener;
  const Route* route = routes->match(head.host(), head.canonical_path());
  const bool redirects = listener && listener->redirect_to_https && (route == nullptr || route->redirect_to_https);
  if (redirects) return redirect::to_https(exchange, listener->https_port);
  if (route == nullptr) return fixed_response::fail(exchange, Fault::kNoRoute);
  exchange.pin(routes);
  exchange.record().route = route->name;
  if (const auto* action = std::get_if<RedirectTo>(&route->action)) return redirect::to(exchange, *route, *action);
  if (const auto* action = std::get_if<RespondWith>(&route->action))
    return fixed_response::respond(exchange, *route, *action);
  return std::make_unique<Forwarder>(exchange, *route, pools);
}

}  // namespace gatehouse
