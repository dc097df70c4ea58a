// What would become of one request, and why: what explain() finds, and the two forms in which it is shown. Values, made
// and shown by the main thread of a short-lived process. Names of the JSON form are for programs: they stay.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

struct Explanation {
  using Pair = std::pair<std::string, std::string>;

  struct Asked {
    std::string method, url, protocol, client;
  };
  struct Listener {
    std::string name, where, why;  // where: FILE:LINE
    std::vector<std::string> others;
  };
  struct Certificate {
    std::vector<std::string> files;  // one per key type
    std::string why;
  };
  struct Decider {
    std::string host, path;  // canonical; empty: refused before
  };
  struct OtherRoute {
    std::string name, where, why;
  };
  struct Stripped {
    std::string name, why;
  };
  struct Route {
    std::string name;  // empty: there is none
    std::string where, why;
    std::vector<OtherRoute> others;
    std::vector<std::string> rewrites;
  };
  struct Endpoint {
    std::string name, note;
  };
  struct Upstream {
    std::string name, where;
    bool app = false;
    std::string balance;  // how one is chosen, in words
    std::string chosen;   // by hash; empty: chance decides
    std::vector<Endpoint> endpoints;
    std::vector<Pair> settings;
  };
  struct Response {
    std::uint16_t status = 0;  // 0: the endpoint's
    std::vector<Pair> fields;
    std::vector<std::string> removed;  // of the endpoint's
  };
  struct Fault {
    std::string label, blame, explanation;
    std::uint16_t status = 0;
  };
  struct Limit {
    std::string name, value;
    bool by_route = false;
  };

  Asked asked;
  std::optional<Listener> listener;
  std::optional<Certificate> certificate;
  Decider decider;
  std::vector<Stripped> stripped;  // fields of the request that nobody gets to see
  std::optional<Route> route;
  std::optional<Upstream> upstream;
  std::vector<std::string> endpoint_head;  // line by line; empty: none is asked
  std::optional<Response> response;
  std::optional<Fault> fault;
  std::vector<Limit> limits;
  std::string outcome;  // one sentence
  bool served = false;
};

std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);

}  // namespace gatehouse
