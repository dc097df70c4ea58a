#include "proxy/system/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "common/fd.h"
#include "common/log.h"
#include "common/text.h"

namespace gatehouse::service_manager {
namespace {

constexpr std::uint64_t kLongestPeriod = 365ULL * 24 * 3600 * 1'000'000;  // systemd's infinity is beyond it

}  // namespace

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

std::optional<std::chrono::microseconds> watchdog_period() {
  const auto number_in = [](const char* name) -> std::optional<std::uint64_t> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : text::parse_decimal(value);
  };
  const auto period = number_in("WATCHDOG_USEC");
  if (!period || *period == 0 || *period > kLongestPeriod) return std::nullopt;
  const auto pid = number_in("WATCHDOG_PID");
  if (pid && *pid != static_cast<std::uint64_t>(getpid())) return std::nullopt;
  return std::chrono::microseconds(*period);
}

}  // namespace gatehouse::service_manager
