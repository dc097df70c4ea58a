// Which route a request takes: host exact, then the longest wildcard, then any host; then the longest path by whole
// segments. A route of a less specific host is taken where the more specific ones have none for the path. Built once
// per snapshot from plain structs, immutable, shared by all workers (shared_ptr), pinned by exchanges; any thread.
// Look-ups cost the same for ten routes and ten thousand.
//
//   a.b.example.com /x/y is looked for at   a.b.example.com   as /x/y, /x, /
//                                    then   *.b.example.com   as /x/y, /x, /
//                                    then   *.example.com, *.com, any host likewise; the first that is there
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/policy/grpc.h"
#include "config/policy/paths.h"
#include "proxy/cache/cache.h"
#include "proxy/files/file_site.h"
#include "proxy/files/send_file.h"
#include "proxy/forward/header_edits.h"
#include "proxy/forward/path_table.h"
#include "proxy/gates/address_gate.h"
#include "proxy/http/exchange/throttle.h"
#include "proxy/http/limits.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

class AuthGate;
struct Delegator;  // delegation.h

// The request goes to an endpoint of the upstream.
struct ForwardTo {
  // Never null.
  std::shared_ptr<const Upstream> upstream;
  // The same upstream, as one that may hand its requests to others; null: it may not.
  std::shared_ptr<const Delegator> delegator = {};
  // Which files its endpoints may have sent in their place; null: none.
  std::shared_ptr<const SendFile> send_file = {};
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

// The answer is a file.
struct ServeFiles {
  // Never null.
  std::shared_ptr<const FileSite> site;
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
  std::variant<ForwardTo, RedirectTo, RespondWith, ServeFiles> action;
  // Removes `path` from the target, and sends X-Forwarded-Prefix.
  bool strip_prefix = false;
  // Which form of the path is forwarded.
  PathAs path_as = PathAs::kReceived;
  // False: Host names the endpoint, as it does where the request has none.
  bool preserve_host = true;
  // False: the request is served in the clear even where the listener redirects.
  bool redirect_to_https = true;
  // Sends Forwarded (RFC 7239) besides X-Forwarded-*.
  bool forwarded_rfc7239 = false;
  // Sends X-Real-IP, too.
  bool real_ip = false;
  // What a connection may become, in lower case. What is not listed is asked of nobody.
  std::vector<std::string> upgrade = {"websocket"};
  // h2 and h3 are told to come back with HTTP/1.1.
  bool h1_only = false;
  // An endpoint's connection belongs to the client's, whose identity it may have. Such a route is h1_only.
  bool connection_auth = false;
  // Whether gRPC is made gRPC-Web on its way to the endpoint.
  Grpc grpc = Grpc::kOff;
  // Makes PUSH_PROMISE of Link: rel=preload; sends as 103 what earlier answers taught.
  bool push = false;
  bool early_hints = false;
  // What is kept of responses, and how; null: nothing.
  std::shared_ptr<const cache::Policy> cache;
  // Who may ask, by the address that is believed.
  AddressGate address_gate;
  // Who may ask, by name; null: everybody.
  std::shared_ptr<const AuthGate> auth;
  // What its bodies share, all of them; null: there is no such limit.
  std::shared_ptr<RouteThrottle> throttle;
  // What the endpoint gets as path: "{path}" stands for what strip_prefix has left of the client's. Empty: that.
  std::string rewrite;
  // The route's part of what Via calls us; empty: no Via, and no loops are found.
  std::string pseudonym;
  HeaderEdits request_headers;
  HeaderEdits response_headers;
  // What holds for its exchanges, the global values included.
  ExchangeLimits limits;
  // What the log has been told of the route, by any worker: once is enough. Never null.
  struct Told {
    std::atomic<bool> unlisted_upgrade{false};
    std::atomic<bool> unlisted_file{false};
  };
  std::shared_ptr<Told> told = std::make_shared<Told>();
};

class RouteTable {
 public:
  // The first of two routes for the same host and path wins; the configuration warns of the other.
  explicit RouteTable(std::vector<Route> routes);

  // `host` is in lower case and without port, `path` is canonical; "*" (OPTIONS) counts as "/". Returns null if no
  // route matches. The route lives as long as the table.
  const Route* match(std::string_view host, std::string_view path) const;
  // The three steps of that, in their order.
  const Route* match_host(std::string_view host, std::string_view path) const;
  const Route* match_wildcard(std::string_view host, std::string_view path) const;
  const Route* match_any(std::string_view path) const;
  // The route of that very host (empty: any) and path; null: there is none.
  const Route* exactly(std::string_view host, std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  using Paths = PathTable<const Route*>;

  std::vector<Route> routes_;
  TextMap<Paths> exact_;
  // By what follows "*.".
  TextMap<Paths> wildcards_;
  Paths any_;
};

}  // namespace gatehouse
