// Is somebody there? Names of endpoints are resolved and every address is connected to, all at once, by the resolver
// and the connector that serve; nothing is sent. The judgement is pure. Main thread of a short-lived process, with a
// loop of its own.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/discovery/resolver.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

// One endpoint of an upstream as it was found.
struct EndpointFacts {
  std::string upstream;
  // Its address; the name itself where no address was found.
  std::string endpoint;
  // The name that the address came from; empty where it is listed as it is.
  std::string name;
  // Why nobody answers; empty where it accepts connections.
  std::string error;
  // `error` is about the name: there is no address to connect to.
  bool unresolved = false;
};

struct EndpointSearch {
  // For all names together, and again for all connections.
  std::chrono::milliseconds timeout{5'000};
  Resolver::Options resolver;
};

// Returns when all is known or the time is over; what did not answer by then has an error. Of apps nothing is looked
// at: their instances need not run.
std::vector<EndpointFacts> look_at_endpoints(const config::Config& config, const EndpointSearch& search);
// One finding for each endpoint, in the order of `facts`. An endpoint that does not answer is a problem where none of
// its upstream does, else a warning.
Findings judge_endpoints(const std::vector<EndpointFacts>& facts);

}  // namespace gatehouse::doctor
