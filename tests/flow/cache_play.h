// What the scenarios of routes with a cache have in common: how a request is answered by the app, or by what is stored.
// Functions of the world of one scenario.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/cache/cache.h"
#include "tests/flow/scenario.h"

namespace gatehouse::flow {

// Gives the route a cache of its own.
inline void keep(Flow& f, Caching caching, bool obeys_clients = false) {
  f.options.route.cache = std::make_shared<const cache::Policy>(
      cache::Policy{.caching = caching,
                    .obeys_clients = obeys_clients,
                    .max_entry = CacheLimits{}.max_entry,
                    .scope = "shop",
                    .cache = std::make_shared<cache::Cache>(CacheLimits{}.memory)});
}

// 200 on a connection that ends with it, so that each request of a scenario has an app of its own.
inline std::string fresh(std::string_view body, std::string_view fields = "Cache-Control: public, max-age=60\r\n") {
  return ok(body, "Connection: close\r\n" + std::string(fields));
}

// The app is asked, and says this.
inline Stream asked(Flow& f, const Request& request, std::string_view response) {
  const Stream s = f.begin(request);
  App& app = f.accept_request();
  f.respond(app, response, s);
  f.settle();
  return s;
}

// Nobody is asked.
inline Stream stored(Flow& f, const Request& request, int status, std::string_view body) {
  const Stream s = f.begin(request);
  f.expect_response(s, status, body);
  EXPECT_TRUE(f.nobody_connects()) << request.target;
  return s;
}

}  // namespace gatehouse::flow
