#include "proxy/doctor/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <format>
#include <optional>
#include <system_error>
#include <utility>

#include "common/fd.h"
#include "common/sockets.h"
#include "proxy/doctor/port_holder.h"

namespace gatehouse::doctor {
namespace {

using Transport = PortFacts::Transport;
using Holder = PortFacts::Holder;

std::string reason(int error) {
  return std::generic_category().message(error);
}

// As a listener binds, but without SO_REUSEPORT: a socket in a running instance's group would take its packets.
int try_address(const Address& address, int type) {
  const Fd socket(::socket(address.family(), type | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  const int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int v6_only = address.is_any() ? 0 : 1;
  if (address.family() == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  return ::bind(socket.get(), address.data(), address.length()) == 0 ? 0 : errno;
}

// On all addresses it is v4 alone where the machine has no IPv6.
int try_to_bind(const Address& address, int type) {
  const int error = try_address(address, type);
  const bool no_v6 = error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
  if (!no_v6 || !address.is_any() || address.family() != AF_INET6) return error;
  return try_address(*Address::parse(std::format("0.0.0.0:{}", address.port())), type);
}

// A stale socket file is removed at the start, so that it is in nobody's way.
int look_at_socket_file(const Address& address) {
  const std::string path = address.path();
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return EEXIST;
    return sockets::accepts(address) ? EADDRINUSE : 0;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

std::string kind(Transport transport) {
  if (transport == Transport::kUnix) return "the socket";
  return transport == Transport::kTcp ? "TCP" : "UDP";
}

Finding of_port(Grade grade, std::string message) {
  return {.grade = grade, .check = "port", .message = std::move(message)};
}

Finding judge_taken(const PortFacts& facts, const std::string& what) {
  if (facts.holder == Holder::kGatehouse) {
    return of_port(Grade::kOk, std::format("{} is ours already: {}", what, facts.holder_name));
  }
  const bool udp = facts.transport == Transport::kUdp;
  const std::string by = facts.holder_name.empty() ? "another process" : facts.holder_name;
  std::string fix = "stop that, or change the listener's address";
  if (facts.holder_name.empty() && facts.transport != Transport::kUnix) {
    fix += std::format(" (`ss -{}lnp sport = :{}` as root says who it is)", udp ? "u" : "t", facts.address.port());
  }
  return of_port(udp ? Grade::kWarning : Grade::kProblem,
                 std::format("{} is taken by {}{}; {}", what, by, udp ? ", so that HTTP/3 would be off" : "", fix));
}

}  // namespace

PortFacts look_at_port(const Address& address, Transport transport) {
  PortFacts facts{.address = address, .transport = transport};
  std::optional<PortHolder> holder;
  if (transport == Transport::kUnix) {
    facts.error = look_at_socket_file(address);
    if (facts.error == EADDRINUSE) holder = holder_of_socket(address.path());
  } else {
    const bool tcp = transport == Transport::kTcp;
    facts.error = try_to_bind(address, tcp ? SOCK_STREAM : SOCK_DGRAM);
    if (facts.error == EADDRINUSE) holder = holder_of_port(address.port(), tcp ? "tcp" : "udp");
  }
  if (!holder) return facts;
  facts.holder = holder->gatehouse ? Holder::kGatehouse : Holder::kOther;
  facts.holder_name = std::format("{} (process {})", holder->program, holder->pid);
  return facts;
}

Finding judge_port(const PortFacts& facts) {
  const std::string what = std::format("{} {}", kind(facts.transport), facts.address.to_string());
  const std::uint16_t port = facts.address.port();
  switch (facts.error) {
    case 0:
      return of_port(Grade::kOk, std::format("{} is free", what));
    case EADDRINUSE:
      return judge_taken(facts, what);
    case EACCES:
      if (facts.transport == Transport::kUnix) {
        return of_port(Grade::kProblem, std::format("{} cannot be made: {}; give this user write access to its folder",
                                                    what, reason(facts.error)));
      }
      return of_port(Grade::kProblem,
                     std::format("{} needs a right that this user does not have; "
                                 "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or `sysctl "
                                 "net.ipv4.ip_unprivileged_port_start={}`, or start it as root",
                                 what, port));
    case EADDRNOTAVAIL:
      return of_port(Grade::kProblem, std::format("{}: this machine has no such address; `ip address` lists those that "
                                                  "it has, and \":{}\" takes them all",
                                                  what, port));
    default:
      return of_port(Grade::kProblem, std::format("{} cannot be had: {}", what, reason(facts.error)));
  }
}

std::vector<config::Diagnostic> http3_warnings(const config::Config& config) {
  std::vector<config::Diagnostic> out;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.protocols.h3 || listener.address.port() == 0) continue;
    const PortFacts facts = look_at_port(listener.address, Transport::kUdp);
    if (facts.error != EADDRINUSE || facts.holder != Holder::kOther) continue;
    out.push_back({.severity = config::Severity::kWarning,
                   .location = listener.location,
                   .message = std::format("no HTTP/3 on {}: the UDP port is taken by {}", listener.address.to_string(),
                                          facts.holder_name)});
  }
  return out;
}

Findings check_ports(const config::Config& config) {
  Findings findings;
  const auto look = [&](const Address& address, Transport transport) {
    if (address.is_unix()) transport = Transport::kUnix;
    findings.push_back(judge_port(look_at_port(address, transport)));
  };
  for (const config::Listener& listener : config.listeners) {
    if (listener.protocols.h1 || listener.protocols.h2 || listener.protocols.h2c)
      look(listener.address, Transport::kTcp);
    if (listener.protocols.h3) look(listener.address, Transport::kUdp);
  }
  if (config.server.admin) look(*config.server.admin, Transport::kTcp);
  return findings;
}

}  // namespace gatehouse::doctor
