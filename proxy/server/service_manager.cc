#include "proxy/server/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <format>
#include <string_view>

#include "common/fd.h"
#include "common/log.h"

namespace gatehouse::service_manager {
namespace {

void notify(std::string_view message) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return log::warn("NOTIFY_SOCKET is too long: {}", path);
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);

  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL, to, size) < 0) {
    log::warn("cannot tell the service manager at {}: {}", path, std::strerror(errno));
  }
}

}  // namespace

void notify_ready() {
  notify("READY=1\nSTATUS=Serving");
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  notify(std::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void notify_stopping() {
  notify("STOPPING=1\nSTATUS=Draining");
}

}  // namespace gatehouse::service_manager
