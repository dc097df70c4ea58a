// What would become of one request, and why: what explain() finds, and the two forms in which it is shown. Values,
// made and shown by the main thread of a short-lived process. Names of the JSON form are for programs: they stay.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

struct Explanation {
  // A name and its value.
  using Pair = std::pair<std::string, std::string>;

  // The request as it was asked about. Protocol and client are what was assumed where they were not given, and empty
  // where no listener takes it.
  struct Asked {
    std::string method, url, protocol, client;
  };
  // Which listener takes the request, where it stands (FILE:LINE), and why it is this one.
  struct Listener {
    std::string name, where, why;
    // Those that came near, each as "NAME: why not".
    std::vector<std::string> others;
  };
  struct Certificate {
    // One for each type of key; none where the handshake is refused.
    std::vector<std::string> files;
    std::string why;
  };
  // What routes are chosen by, in canonical form; empty where the request is refused before.
  struct Decider {
    std::string host, path;
  };
  // A route that matches as well but counts less; where no route was found, one that came near.
  struct OtherRoute {
    std::string name, where, why;
  };
  // A field of the request that nobody gets to see, and why.
  struct Stripped {
    std::string name, why;
  };
  struct Route {
    // Empty where no route was found.
    std::string name;
    std::string where, why;
    std::vector<OtherRoute> others;
    // Which entry of its allow and deny let the client pass or not; empty where it has none.
    std::string access;
    // What the route changes of the request, or does instead of forwarding it: a sentence each.
    std::vector<std::string> rewrites;
  };
  // An endpoint as it is configured, with what is to be said about it: "by DNS", "weight 3".
  struct Endpoint {
    std::string name, note;
  };
  struct Upstream {
    std::string name, where;
    // It is an app; its endpoints are instances, "NAME#SLOT".
    bool app = false;
    // How an endpoint is chosen, in words.
    std::string balance;
    // The endpoint that hashing chooses; empty where chance decides, or what a name stands for.
    std::string chosen;
    std::vector<Endpoint> endpoints;
    // Its other keys, as name and words.
    std::vector<Pair> settings;
  };
  // What the client gets. Of a forwarded request these are only the changes to what the endpoint answers.
  struct Response {
    // 0: the endpoint's.
    std::uint16_t status = 0;
    std::vector<Pair> fields;
    // Names of fields that are taken out of the endpoint's answer.
    std::vector<std::string> removed;
  };
  // A row of the table of faults, with the status that stands there.
  struct Fault {
    std::string label, blame, explanation;
    std::uint16_t status = 0;
  };
  struct Limit {
    std::string name, value;
    // The route sets it, not the listener.
    bool by_route = false;
  };

  // In the order in which they are found and shown. What was not reached is absent or empty.
  Asked asked;
  std::optional<Listener> listener;
  std::optional<Certificate> certificate;
  Decider decider;
  std::vector<Stripped> stripped;
  std::optional<Route> route;
  // For whom the request is reserved, in place of that route; empty: for nobody.
  std::string reserved;
  std::optional<Upstream> upstream;
  // What the endpoint is sent, line by line; empty where none is asked.
  std::vector<std::string> endpoint_head;
  std::optional<Response> response;
  std::optional<Fault> fault;
  std::vector<Limit> limits;
  // What becomes of the request, in one sentence without a full stop.
  std::string outcome;
  // It ends without a fault.
  bool served = false;
};

// For people: titles to the left, what belongs to them to the right, the heads and limits below. No line is wrapped.
std::string to_text(const Explanation& explanation);
// For programs: one object, with null or nothing in what was not reached. What is not UTF-8 becomes U+FFFD.
std::string to_json(const Explanation& explanation);

}  // namespace gatehouse
