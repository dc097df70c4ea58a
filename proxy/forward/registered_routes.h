// The routes that processes have registered for themselves, beside those of the configuration: which of both a request
// takes. Part of a snapshot; made anew, of the same entries, whenever one comes or goes. Immutable, any thread.
//
// A request is looked for in the order of the categories of HTTP.sys, and within one by the longest path:
//
//   strong wildcard    registered https://+:443/...
//   host               registered https://shop.example.com/...   and routes with that host
//                      routes with *.example.com
//   address            registered https://192.0.2.7/...          on the listener that is bound there
//   weak wildcard      registered https://*:443/...              and routes without hosts
//
// Where both have the same host and path the route of the configuration is taken: whoever makes the table leaves the
// registration out (takes_place_of()).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/policy/url_prefix.h"
#include "proxy/forward/path_table.h"
#include "proxy/forward/route_table.h"
#include "proxy/http/client_info.h"

namespace gatehouse {

struct RegisteredRoute {
  UrlPrefix prefix;
  // Its action is ForwardTo.
  Route route;
};

class RegisteredRoutes {
 public:
  using Entry = std::shared_ptr<const RegisteredRoute>;
  // What a request takes. `entry` is null for a route of the configuration.
  struct Match {
    const Route* route = nullptr;
    const Entry* entry = nullptr;
  };

  // REQUIRES: no prefix twice.
  explicit RegisteredRoutes(std::vector<Entry> entries);
  RegisteredRoutes(const RegisteredRoutes&) = delete;
  RegisteredRoutes& operator=(const RegisteredRoutes&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }

  // As RouteTable::match(), of both. `listener` is where the request has come in. The entry lives as long as the table.
  Match match(const RouteTable& configured, const ListenerPolicy& listener, std::string_view host,
              std::string_view path) const;

 private:
  using Paths = PathTable<const Entry*>;
  // What is registered for one scheme and port.
  struct Site {
    Paths strong;
    TextMap<Paths> hosts;
    TextMap<Paths> addresses;
    Paths weak;
  };

  std::vector<Entry> entries_;
  // By whether it is https, and the port that clients see.
  std::map<std::pair<bool, std::uint16_t>, Site> sites_;
};

// The route of the configuration for the same host, or for any in place of a wildcard or address, and the same path:
// what is registered there is not served. Null: there is none.
const Route* takes_place_of(const RouteTable& configured, const UrlPrefix& prefix);

}  // namespace gatehouse
