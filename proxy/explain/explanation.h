// What would become of one request, and why: what explain() finds and the two forms in which it is shown. Values.
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
  struct OtherRoute {
    std::string name, where, why;
  };
  struct Route {
    std::string name;  // empty: there is none
    std::string where, why;
    std::vector<OtherRoute> others;
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
  struct Answer {
    std::uint16_t status = 0;  // 0: the endpoint's
    std::vector<Pair> fields;
    std::vector<std::string> removed;  // of the endpoint's
  };
  struct Fault {
    std::string token, blame, explanation;
    std::uint16_t status = 0;
  };
  struct Limit {
    std::string name, value;
    bool by_route = false;
  };

  Asked asked;
  std::optional<Listener> listener;
  std::optional<Certificate> certificate;
  std::string host, path;  // that decide; empty: refused before
  std::optional<Route> route;
  std::vector<std::string> rewrites;
  std::optional<Upstream> upstream;
  std::vector<std::string> endpoint_head;  // line by line; empty: none is asked
  std::optional<Answer> answer;
  std::optional<Fault> fault;
  std::vector<Limit> limits;
  std::string outcome;  // one sentence
  bool served = false;
};

std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);

}  // namespace gatehouse
