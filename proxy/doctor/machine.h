// What the machine allows: descriptors, UDP for QUIC, IPv6, control groups, the clock. Each check is a look, which asks
// the system, and a judgement, which is pure. Main thread of a short-lived process; sockets live for the call, on ports
// that the kernel chooses.
#pragma once

#include <cstdint>
#include <string>

#include "common/clock.h"
#include "config/config.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

struct DescriptorFacts {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;    // what a start raises the soft one to
  std::uint64_t wanted = 0;  // [limits] max_connections; 0: as many as go
};
DescriptorFacts look_at_descriptors(const config::Config& config);
Finding judge_descriptors(const DescriptorFacts& facts);

// What one address may take of the connections that there can be.
struct ClientFacts {
  std::uint64_t possible = 0;    // client connections of the process: by max_connections and descriptors
  std::uint64_t per_client = 0;  // [limits] max_connections_per_client; 0: off
  std::string handshakes;        // max_handshakes_per_client as it is written
};
ClientFacts look_at_clients(const config::Config& config);
Finding judge_clients(const ClientFacts& facts);

struct UdpFacts {
  bool made = true;           // a socket as QUIC has it
  std::string error;          // why not
  std::uint64_t receive = 0;  // bytes that its buffers have
  std::uint64_t send = 0;
  std::uint64_t receive_limit = 0;  // net.core.rmem_max: what users without CAP_NET_ADMIN get at most; 0: not known
  std::uint64_t send_limit = 0;
  std::uint64_t wanted = 0;
  bool gso = false;  // a train of datagrams left in one call and arrived as datagrams
  bool gro = false;
  bool steering = false;  // SO_ATTACH_REUSEPORT_CBPF
};
UdpFacts look_at_udp();
Findings judge_udp(const UdpFacts& facts);

struct Ipv6Facts {
  bool available = true;
  bool wanted = false;   // a listener is on an IPv6 address of its own
  bool welcome = false;  // a listener is on all addresses
};
Ipv6Facts look_at_ipv6(const config::Config& config);
Findings judge_ipv6(const Ipv6Facts& facts);

struct CgroupFacts {
  std::string mounted;    // where v2 is; empty: nowhere
  bool writable = false;  // our own group, so that groups below it can be made
};
CgroupFacts look_at_cgroups();
Finding judge_cgroups(const CgroupFacts& facts);

struct ClockFacts {
  WallTime now;
  WallTime installed;  // when the program file was written
};
ClockFacts look_at_clock();
Finding judge_clock(const ClockFacts& facts);

Findings check_machine(const config::Config& config);

}  // namespace gatehouse::doctor
