#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "common/address.h"
#include "common/sockets.h"
#include "proxy/doctor/machine.h"

namespace gatehouse::doctor {
namespace {

constexpr std::uint16_t kSegment = 600;
constexpr int kPatience = 1000;  // milliseconds; it stays within the kernel

std::uint64_t option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? static_cast<std::uint64_t>(value) : 0;
}

// Of /proc/sys; 0: not told, as in a container.
std::uint64_t system_limit(const char* key) {
  std::ifstream file(std::string("/proc/sys/net/core/") + key);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

bool send_train(int fd, const Address& to) {
  std::array<char, std::size_t{kSegment} * 2> bytes{};
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof kSegment)> control{};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(to.data());  // which sendmsg does not write through
  message.msg_namelen = to.length();
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_UDP;
  head->cmsg_type = UDP_SEGMENT;
  head->cmsg_len = CMSG_LEN(sizeof kSegment);
  std::memcpy(CMSG_DATA(head), &kSegment, sizeof kSegment);
  return ::sendmsg(fd, &message, 0) == static_cast<ssize_t>(bytes.size());
}

// One call, two datagrams, to a socket that takes them one by one.
bool gso_works(int from) {
  auto to = sockets::bind_udp(*Address::parse("127.0.0.1:0"));
  if (!to) return false;
  const int off = 0;
  ::setsockopt(to->get(), SOL_UDP, UDP_GRO, &off, sizeof off);
  if (!send_train(from, Address::local_of(to->get()))) return false;
  std::array<char, std::size_t{kSegment} * 2> bytes{};
  for (int i = 0; i < 2; ++i) {
    pollfd wait{.fd = to->get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, kPatience) != 1) return false;
    if (::recv(to->get(), bytes.data(), bytes.size(), 0) != kSegment) return false;
  }
  return true;
}

bool steering_works(int fd) {
  std::array<sock_filter, 1> program = {{{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0}}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

}  // namespace

UdpFacts look_at_udp() {
  auto socket = sockets::bind_udp(*Address::parse("127.0.0.1:0"));
  if (!socket) return {.made = false, .error = socket.error().message};
  const int fd = socket->get();
  constexpr std::uint64_t kBookkeeping = 2;  // socket(7): the kernel doubles what was asked for
  UdpFacts facts{.receive = option(fd, SOL_SOCKET, SO_RCVBUF) / kBookkeeping,
                 .send = option(fd, SOL_SOCKET, SO_SNDBUF) / kBookkeeping,
                 .receive_limit = system_limit("rmem_max"),
                 .send_limit = system_limit("wmem_max"),
                 .wanted = static_cast<std::uint64_t>(sockets::kUdpBuffer)};
  facts.gro = option(fd, SOL_UDP, UDP_GRO) == 1;
  facts.gso = gso_works(fd);
  facts.steering = steering_works(fd);
  return facts;
}

Ipv6Facts look_at_ipv6(const config::Config& config) {
  Ipv6Facts facts;
  facts.available = sockets::listen(*Address::parse("[::1]:0")).has_value();
  for (const config::Listener& listener : config.listeners) {
    if (listener.address.family() != AF_INET6) continue;
    (listener.address.is_any() ? facts.welcome : facts.wanted) = true;
  }
  return facts;
}

}  // namespace gatehouse::doctor
