#include "proxy/forward/static_files.h"

#include <algorithm>
#include <expected>
#include <string>
#include <utility>

#include "proxy/files/site_responder.h"
#include "proxy/forward/fixed_response.h"
#include "proxy/forward/header_edits.h"
#include "proxy/forward/request_rules.h"
#include "proxy/http/request_id.h"

namespace gatehouse::static_files {

std::unique_ptr<Responder> serve(Exchange& exchange, const Route& route, const ServeFiles& action) {
  std::expected<std::string, Fault> path = forwarded_target(exchange.request(), route);
  if (!path) return fixed_response::fail(exchange, path.error());
  if (path->empty()) path = exchange.request().target;
  path->resize(std::min(path->find('?'), path->size()));
  return std::make_unique<SiteResponder>(
      exchange, SiteResponder::Order{.site = action.site,
                                     .path = *std::move(path),
                                     .limits = route.limits,
                                     .finish =
                                         [&exchange, &route](ResponseHead& head) {
                                           say_request_id(head.fields, exchange.record().request_id);
                                           apply(route.response_headers, head.fields);
                                         },
                                     .route = route.name});
}

}  // namespace gatehouse::static_files
