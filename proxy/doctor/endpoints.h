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
  std::string endpoint;     // an address
  std::string name;         // that it came from; empty: listed as it is
  std::string error;        // why nobody answers; empty: it accepts connections
  bool unresolved = false;  // `error` is about the name
};

struct EndpointSearch {
  std::chrono::milliseconds timeout{5'000};  // for names, and again for connections
  Resolver::Options resolver;
};

std::vector<EndpointFacts> look_at_endpoints(const config::Config& config, const EndpointSearch& search);
// An endpoint that does not answer is a problem where none of its upstream does, else a warning.
Findings judge_endpoints(const std::vector<EndpointFacts>& facts);

}  // namespace gatehouse::doctor
