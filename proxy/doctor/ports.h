// Can the listeners be had? Their addresses are bound for a moment where nobody has them, never shared with a running
// instance: what is taken is only looked at. Unix sockets are not bound but connected to. Main thread of a
// short-lived process.
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
  // 0 if it can be had, else why not: the errno of binding it. Of a Unix socket EADDRINUSE means that somebody
  // accepts connections there, EEXIST that something else has its path, and any other that its folder cannot be
  // written.
  int error = 0;
  Holder holder = Holder::kUnknown;
  // "nginx (process 12)"; empty: not known.
  std::string holder_name;
};

// Binds a TCP or UDP port and lets it go at once; looks at the file of a Unix socket. Looks for the holder where it
// is taken.
PortFacts look_at_port(const Address& address, PortFacts::Transport transport);
// Pure. What a Gatehouse has is ours already and fine; a UDP port that is taken is a warning, for HTTP/1.1 and HTTP/2
// are served all the same; whatever else cannot be had is a problem.
Finding judge_port(const PortFacts& facts);

// For `gatehouse check`: listeners whose UDP port a stranger has, so that they would serve no HTTP/3. What may be a
// running instance's, or a right that only the service has, is no stranger.
std::vector<config::Diagnostic> http3_warnings(const config::Config& config);

// Of every listener (TCP and UDP, as its protocols need them) and the admin address.
Findings check_ports(const config::Config& config);

}  // namespace gatehouse::doctor
