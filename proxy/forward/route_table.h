// Which route a request takes: host exact, then the longest wildcard, then any host; then the longest path by whole
// segments. A route of a less specific host is taken where the more specific ones have none for the path. Built once
// per snapshot from plain structs, immutable, shared by all workers (shared_ptr), pinned by exchanges; any thread.
// Look-ups cost the same for ten routes and ten thousand.
//
//   a.b.example.com /x/y is looked for at   a.b.example.com   as /x/y, /x, /
//                                    then   *.b.example.com   as /x/y, /x, /
//                                    then   *.example.com, *.com, any host likewise; the first that is there
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

// The request goes to an endpoint of the upstream.
struct ForwardTo {
  // Never null.
  std::shared_ptr<const Upstream> upstream;
};

// The client is sent elsewhere, without an endpoint.
struct RedirectTo {
  // The value of Location; "{uri}" stands for path and query of the request, "{host}" for its host.
  std::string target;
  std::uint16_t status = 308;
};

// The answer is fixed; `body` is plain text unless the route's edits say otherwise.
struct RespondWith {
  std::uint16_t status = 404;
  std::string body;
};

// Which requests, what becomes of them, and what is changed on the way. Names of hosts are in lower case and without
// port; the path is canonical (target.h).
struct Route {
  // The label in logs and metrics.
  std::string name;
  // "*.example.com" stands for all names below it, not for itself; empty: any host.
  std::vector<std::string> hosts;
  // A prefix by whole segments: "/api" is for "/api" and "/api/x", not for "/apis".
  std::string path = "/";
  std::variant<ForwardTo, RedirectTo, RespondWith> action;
  // Removes `path` from the target, and sends X-Forwarded-Prefix.
  bool strip_prefix = false;
  // False: Host names the endpoint, as it does where the request has none.
  bool preserve_host = true;
  // False: the request is served in the clear even where the listener redirects.
  bool redirect_to_https = true;
  // Sends Forwarded (RFC 7239) besides X-Forwarded-*.
  bool forwarded_rfc7239 = false;
  // Sends X-Real-IP, too.
  bool real_ip = false;
  // The route's part of what Via calls us; empty: no Via, and no loops are found.
  std::string pseudonym;
  HeaderEdits request_headers;
  HeaderEdits response_headers;
  // What holds for its exchanges, the global values included.
  ExchangeLimits limits;
};

class RouteTable {
 public:
  // The first of two routes for the same host and path wins; the configuration warns of the other.
  explicit RouteTable(std::vector<Route> routes);

  // `host` is in lower case and without port, `path` is canonical; "*" (OPTIONS) counts as "/". Returns null if no
  // route matches. The route lives as long as the table.
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
  // By what follows "*.".
  TextMap<Paths> wildcards_;
  Paths any_;
};

}  // namespace gatehouse
