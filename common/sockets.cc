#include "common/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace gatehouse::sockets {

namespace {

constexpr std::uint16_t kFirstFreePort = 1024;  // unless the machine says otherwise

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

Fd open_socket(int family, int type) {
  return Fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool lacks_ipv6(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

Address any_v4(std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
}

// A socket of the address's family, bound to it; [::] takes v4 as well.
Result<Fd> bound_ip_socket(const Address& address, int type, bool reuse_port) {
  const std::string what = "cannot bind " + address.to_string();
  Fd fd = open_socket(address.family(), type);
  if (!fd) return system_failure(what, errno);
  // A restarted server must not wait for TIME_WAIT; for UDP the option would let strangers share the port.
  if (type == SOCK_STREAM) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return system_failure(what, errno);
  if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, address.is_any() ? 0 : 1);
  if (::bind(fd.get(), address.data(), address.length()) == 0) return fd;
  const int error = errno;
  const bool no_right = error == EACCES && address.port() < kFirstFreePort;
  return system_failure(
      no_right ? what + " (a port below 1024 needs root, CAP_NET_BIND_SERVICE, or to be handed over by systemd)" : what,
      error);
}

// As above, on the v4 wildcard where the machine has no IPv6.
Result<Fd> bound_or_v4(const Address& address, int type, bool reuse_port) {
  Result<Fd> fd = bound_ip_socket(address, type, reuse_port);
  if (fd || address.family() != AF_INET6 || !address.is_any() || !lacks_ipv6(fd.error().code)) return fd;
  return bound_ip_socket(any_v4(address.port()), type, reuse_port);
}

// True if the file is a socket that nobody listens on.
bool is_stale_socket(const Address& address) {
  const auto& name = reinterpret_cast<const sockaddr_un&>(*address.data());
  struct stat status{};
  if (::lstat(name.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Fd probe = open_socket(AF_UNIX, SOCK_STREAM);
  return probe && ::connect(probe.get(), address.data(), address.length()) != 0 && errno == ECONNREFUSED;
}

bool has_mode(const char* path, mode_t mode) {
  struct stat status{};
  return ::lstat(path, &status) == 0 && (status.st_mode & ALLPERMS) == mode;
}

Result<Fd> bound_unix_socket(const Address& address, std::optional<mode_t> mode) {
  const std::string what = "cannot bind " + address.to_string();
  Fd fd = open_socket(AF_UNIX, SOCK_STREAM);
  if (!fd) return system_failure(what, errno);
  // Linux makes the file with the mode of the socket, less the umask: nobody finds it open even for a moment.
  if (mode && ::fchmod(fd.get(), *mode) != 0) return system_failure(what, errno);
  const auto& name = reinterpret_cast<const sockaddr_un&>(*address.data());
  if (::bind(fd.get(), address.data(), address.length()) != 0) {
    const int error = errno;
    if (error != EADDRINUSE || !is_stale_socket(address)) return system_failure(what, error);
    if (::unlink(name.sun_path) != 0 && errno != ENOENT) return system_failure(what, errno);
    if (::bind(fd.get(), address.data(), address.length()) != 0) return system_failure(what, errno);
  }
  if (mode && !has_mode(name.sun_path, *mode) && ::chmod(name.sun_path, *mode) != 0) {
    return system_failure("cannot protect " + address.to_string(), errno);
  }
  return fd;
}

// Beyond the system's limit where we may, else as near to it as it goes.
void widen_buffers(int fd) {
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kUdpBuffer)) set_option(fd, SOL_SOCKET, SO_RCVBUF, kUdpBuffer);
  if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, kUdpBuffer)) set_option(fd, SOL_SOCKET, SO_SNDBUF, kUdpBuffer);
}

// PROBE sets the don't-fragment bit, as QUIC needs it (RFC 9000 section 14), and leaves path MTU discovery to QUIC.
bool set_v4_datagram_options(int fd) {
  return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) && set_option(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
         set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

bool set_v6_datagram_options(int fd) {
  return set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) && set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

}  // namespace

Result<Fd> listen(const Address& address, const ListenOptions& options) {
  Result<Fd> fd = address.is_unix() ? bound_unix_socket(address, options.mode)
                                    : bound_or_v4(address, SOCK_STREAM, options.reuse_port);
  if (!fd) return fd;
  if (::listen(fd->get(), options.backlog) != 0)
    return system_failure("cannot listen on " + address.to_string(), errno);
  return fd;
}

Result<Fd> bind_udp(const Address& address) {
  Result<Fd> fd = bound_or_v4(address, SOCK_DGRAM, true);
  if (!fd) return fd;
  if (auto done = set_up_udp(fd->get()); !done) return std::unexpected(std::move(done).error());
  return fd;
}

Result<> set_up_udp(int fd) {
  const Address address = Address::local_of(fd);
  const int family = address.family();
  // A dual-stack socket reports its v4 packets by the v4 options.
  const bool v6_set = family != AF_INET6 || set_v6_datagram_options(fd);
  const bool v4_set = (family == AF_INET6 && !address.is_any()) || set_v4_datagram_options(fd);
  if (!v6_set || !v4_set) return system_failure("cannot set the options of QUIC on " + address.to_string(), errno);
  set_option(fd, SOL_UDP, UDP_GRO, 1);
  widen_buffers(fd);
  return {};
}

bool shares_port(int fd) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, &length) == 0 && value != 0;
}

bool accepts(const Address& address) {
  const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return client && ::connect(client.get(), address.data(), address.length()) == 0;
}

Result<Fd> connect(const Address& address) {
  const auto failed = [&](int error) { return system_failure("cannot connect to " + address.to_string(), error); };
  Fd fd = open_socket(address.family(), SOCK_STREAM);
  if (!fd) return failed(errno);
  if (!address.is_unix()) set_no_delay(fd.get());
  if (::connect(fd.get(), address.data(), address.length()) != 0 && errno != EINPROGRESS) return failed(errno);
  return fd;
}

int take_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

std::optional<uid_t> user_at_other_end(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  const bool told = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
  return told && peer.uid != static_cast<uid_t>(-1) ? std::optional(peer.uid) : std::nullopt;
}

bool is_listened_at_by(int fd, std::optional<uid_t> user) {
  return !user || user_at_other_end(fd) == user;
}

void set_unsent_limit(int fd, int bytes) {
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void set_no_delay(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_linger_reset(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace gatehouse::sockets
