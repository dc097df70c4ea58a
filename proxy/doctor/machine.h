// What the machine allows: descriptors, UDP for QUIC, IPv6, control groups, the clock. Each check is a look, which
// asks the system, and a judgement, which is pure. Main thread of a short-lived process; sockets live for the call,
// on ports that the kernel chooses.
#pragma once

#include <cstdint>
#include <string>

#include "common/clock.h"
#include "config/config.h"
#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

// How many files the process may open.
struct DescriptorFacts {
  std::uint64_t soft = 0;
  // What a start raises the soft limit to.
  std::uint64_t hard = 0;
  // [limits] max_connections; 0: as many as go.
  std::uint64_t wanted = 0;
};
DescriptorFacts look_at_descriptors(const config::Config& config);
// A problem where they do not carry the connections that are wanted, a warning where they are fewer than 4096.
Finding judge_descriptors(const DescriptorFacts& facts);

// What one address may take of the connections that there can be.
struct ClientFacts {
  // Client connections of the process, by max_connections and descriptors.
  std::uint64_t possible = 0;
  // [limits] max_connections_per_client; 0: off.
  std::uint64_t per_client = 0;
  // max_handshakes_per_client as it is written.
  std::string handshakes;
};
ClientFacts look_at_clients(const config::Config& config);
// A warning where one address may take all of them.
Finding judge_clients(const ClientFacts& facts);

struct UdpFacts {
  // Whether a socket could be made as QUIC has it, and why not. Without one nothing else is known.
  bool made = true;
  std::string error;
  // Bytes that its buffers have, as they are asked for; the kernel shows twice as many (socket(7)).
  std::uint64_t receive = 0;
  std::uint64_t send = 0;
  // net.core.rmem_max and wmem_max: what users without CAP_NET_ADMIN get at most; 0: not known, as in a container.
  std::uint64_t receive_limit = 0;
  std::uint64_t send_limit = 0;
  // What QUIC asks for, each way.
  std::uint64_t wanted = 0;
  // A train of datagrams left in one call and arrived as datagrams.
  bool gso = false;
  // The kernel lets datagrams be received as a train.
  bool gro = false;
  // SO_ATTACH_REUSEPORT_CBPF is allowed, by which packets find the worker of their connection.
  bool steering = false;
};
// Sends two datagrams to itself over loopback and waits for them a second each at most.
UdpFacts look_at_udp();
// A problem without a socket; whatever else is missing costs speed and is a warning.
Findings judge_udp(const UdpFacts& facts);

struct Ipv6Facts {
  // A socket could listen on ::1.
  bool available = true;
  // A listener is on an IPv6 address of its own.
  bool wanted = false;
  // A listener is on all addresses.
  bool welcome = false;
};
Ipv6Facts look_at_ipv6(const config::Config& config);
// Without IPv6: a problem where it is wanted, a warning where it is welcome, nothing to say where neither.
Findings judge_ipv6(const Ipv6Facts& facts);

struct CgroupFacts {
  // Where v2 is; empty: nowhere.
  std::string mounted;
  // We may write to our own group, so that groups can be made below it.
  bool writable = false;
};
CgroupFacts look_at_cgroups();
// A warning without them: what apps leave behind is then found by less certain signs.
Finding judge_cgroups(const CgroupFacts& facts);

struct ClockFacts {
  WallTime now;
  // When the program file was written.
  WallTime installed;
};
ClockFacts look_at_clock();
// A problem where it is earlier than that: certificates would seem not valid yet.
Finding judge_clock(const ClockFacts& facts);

// All of it: of UDP only if a listener speaks HTTP/3, of control groups only if there are apps.
Findings check_machine(const config::Config& config);

}  // namespace gatehouse::doctor
