// Which route a request takes: host exact, then the longest wildcard, then any host; then the longest path by whole
// segments. A route of a less specific host is taken where the more specific ones have none for the path. Built once
// per snapshot from plain structs, immutable, shared by all workers; look-ups cost the same for ten routes and ten
// thousand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "proxy/forward/header_edits.h"
#include "proxy/http/limits.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

struct ForwardTo {
  std::shared_ptr<const Upstream> upstream;  // never null
};

struct RedirectTo {
  std::string target;  // "{uri}": path and query of the request; "{host}": its host
  std::uint16_t status = 308;
};

struct RespondWith {
  std::uint16_t status = 404;
  std::string body;
};

struct Route {
  std::string name;                // the label in logs and metrics
  std::vector<std::string> hosts;  // lower case, no port; "*.example.com" for all below it; empty: any
  std::string path = "/";          // canonical prefix, by whole segments
  std::variant<ForwardTo, RedirectTo, RespondWith> action;
  bool strip_prefix = false;       // remove `path`, send X-Forwarded-Prefix
  bool preserve_host = true;       // false: Host is the endpoint's
  bool redirect_to_https = true;   // false: not even where the listener does
  bool forwarded_rfc7239 = false;  // send Forwarded too
  bool real_ip = false;            // send X-Real-IP too
  std::string pseudonym;           // the route's part of what Via calls us; empty: no Via
  HeaderEdits request_headers;
  HeaderEdits response_headers;
  ExchangeLimits limits;  // what holds for its exchanges, the global values included
};

class RouteTable {
 public:
  explicit RouteTable(std::vector<Route> routes);

  // `host` in lower case without port, `path` canonical. Returns null if no route matches.
  const Route* match(std::string_view host, std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class Value>
  using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  // The routes of one host by path; longer prefixes than the longest known are not even tried.
  class Paths {
   public:
    void add(const Route& route);
    const Route* match(std::string_view path) const;

   private:
    TextMap<const Route*> by_path_;
    std::size_t longest_ = 0;
  };

  std::vector<Route> routes_;
  TextMap<Paths> exact_;
  TextMap<Paths> wildcards_;  // by what follows "*."
  Paths any_;
};

}  // namespace gatehouse
