#include "proxy/system/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <format>
#include <optional>
#include <string_view>
#include <utility>

#include "common/log.h"

namespace gatehouse {
namespace {

std::optional<int> number_in(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  int number = 0;
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

// The names of LISTEN_FDNAMES, with colons between them; only for messages.
std::vector<std::string> names_in_environment() {
  std::vector<std::string> names;
  const char* text = std::getenv("LISTEN_FDNAMES");
  for (std::string_view rest = text == nullptr ? "" : text; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

int option_of(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

bool make_ours(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

std::string_view kind_name(const Address& address, InheritedSockets::Kind kind) {
  if (address.is_unix()) return "unix";
  return kind == InheritedSockets::Kind::kDatagram ? "udp" : "tcp";
}

}  // namespace

InheritedSockets InheritedSockets::take(int first) {
  InheritedSockets taken;
  // Meant for another process, which has passed its environment on to us: not ours to touch.
  const bool for_us = number_in("LISTEN_PID") == getpid();
  const int count = for_us ? number_in("LISTEN_FDS").value_or(0) : 0;
  const std::vector<std::string> names = names_in_environment();
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) unsetenv(name);
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(i);
    taken.add(first + i, index < names.size() ? names[index] : "unknown");
  }
  return taken;
}

void InheritedSockets::add(int fd, const std::string& name) {
  const auto refuse = [&](std::string_view why) {
    log::warn("descriptor {} ({}) was handed over, but {}; it is left alone", fd, name, why);
  };
  if (!make_ours(fd)) return refuse(std::strerror(errno));
  const Address address = Address::local_of(fd);
  const int type = option_of(fd, SO_TYPE);
  if (type < 0) return refuse("it is no socket");
  const bool ip = address.family() == AF_INET || address.family() == AF_INET6;
  if (!ip && !address.is_unix()) return refuse("its address family is not known here");
  if (type == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) != 1) {
    return refuse("it is a connection, not a listening socket (Accept= must be no)");
  }
  if (type != SOCK_STREAM && !(type == SOCK_DGRAM && ip))
    return refuse("it is neither a TCP, UDP nor a Unix stream socket");
  sockets_.push_back(
      {.socket = Fd(fd), .kind = type == SOCK_STREAM ? Kind::kStream : Kind::kDatagram, .address = address});
}

bool InheritedSockets::Inherited::serves(const Address& wanted, Kind wanted_kind) const {
  if (kind != wanted_kind) return false;
  if (address == wanted) return true;
  const bool everywhere = wanted.family() == AF_INET6 && wanted.is_any();
  return everywhere && address.family() == AF_INET && address.is_any() && address.port() == wanted.port();
}

bool InheritedSockets::has(const Address& address, Kind kind) const {
  return std::ranges::any_of(sockets_, [&](const Inherited& held) { return held.serves(address, kind); });
}

std::vector<Fd> InheritedSockets::copies(const Address& address, Kind kind) const {
  std::vector<Fd> copies;
  for (const Inherited& held : sockets_) {
    if (!held.serves(address, kind)) continue;
    Fd copy(fcntl(held.socket.get(), F_DUPFD_CLOEXEC, 0));
    if (copy) copies.push_back(std::move(copy));
  }
  return copies;
}

std::vector<std::string> InheritedSockets::unwanted_by(const std::vector<Use>& uses) const {
  std::vector<std::string> unwanted;
  for (const Inherited& held : sockets_) {
    const bool wanted = std::ranges::any_of(uses, [&](const Use& use) { return held.serves(use.address, use.kind); });
    std::string name = std::format("{} {}", kind_name(held.address, held.kind), held.address.to_string());
    if (!wanted && !std::ranges::contains(unwanted, name)) unwanted.push_back(std::move(name));
  }
  return unwanted;
}

}  // namespace gatehouse
