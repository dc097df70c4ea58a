// Can the listeners be had? Their addresses are bound for a moment where nobody has them, never shared with a running
// instance: what is taken is only looked at. Main thread of a short-lived process.
#pragma once

#include <string>
#include <vector>

#include "common/address.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

struct PortFacts {
  enum class Transport { kTcp, kUdp, kUnix };
  enum class Holder { kUnknown, kGatehouse, kOther };

  Address address;
  Transport transport = Transport::kTcp;
  int error = 0;  // errno of binding it; 0: it could be bound
  Holder holder = Holder::kUnknown;
  std::string holder_name;  // "nginx (process 12)"; empty: not known
};

PortFacts look_at_port(const Address& address, PortFacts::Transport transport);
Finding judge_port(const PortFacts& facts);  // pure

// For `gatehouse check`: listeners whose UDP port a stranger has, so that they would serve no HTTP/3. What may be a
// running instance's, or a right that only the service has, is no stranger.
std::vector<config::Diagnostic> http3_warnings(const config::Config& config);

// Of every listener and the admin address.
Findings check_ports(const config::Config& config);

}  // namespace gatehouse::doctor
