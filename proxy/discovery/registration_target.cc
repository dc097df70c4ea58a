#include "proxy/discovery/registration_target.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <format>
#include <utility>

#include "common/socket_owner.h"
#include "common/sockets.h"

namespace gatehouse {

namespace {

constexpr std::string_view kPassed = "fd";

int option(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

// An address means something else in another network namespace, where anybody may listen on any port of loopback.
bool is_of_our_network(int fd) {
  const Fd ours(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::uint64_t cookies[2] = {};
  socklen_t length = sizeof cookies[0];
  return ::getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookies[0], &length) == 0 &&
         ::getsockopt(ours.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookies[1], &length) == 0 && cookies[0] == cookies[1];
}

Result<> check_listener(const std::optional<uid_t>& found, uid_t user, const std::string& where) {
  if (found == user) return {};
  if (!found) return failure(std::format("nobody listens on {}", where));
  return failure(std::format("user {} listens on {}, not user {}", *found, where, user));
}

Result<RegistrationTarget> port_target(std::string_view text, uid_t user) {
  const auto address = Address::parse(text);
  if (!address) return failure(address.error().message);
  if (address->is_unix()) {
    return failure("a path is not looked up for others: open its socket by O_PATH, pass it by SCM_RIGHTS and write fd");
  }
  if (!address->is_loopback() || address->port() == 0) {
    return failure(std::format("{} is no port of loopback; write 127.0.0.1:PORT or [::1]:PORT", text));
  }
  RegistrationTarget target{.address = *address, .text = address->to_string(), .listening_user = user, .holds = {}};
  const auto checked = check_listener(socket_owner::listener_at(*address), user, target.text);
  if (!checked) return std::unexpected(checked.error());
  return target;
}

// An O_PATH descriptor is reached through /proc, whatever has become of its name.
Result<RegistrationTarget> file_target(Fd passed, uid_t user) {
  const std::string path = std::format("unix:/proc/self/fd/{}", passed.get());
  const auto address = Address::parse(path);
  if (!address) return failure(address.error().message);
  const auto socket = sockets::connect(*address);
  if (!socket && socket.error().code != EAGAIN) {
    return socket.error().code == ECONNREFUSED ? failure("nobody listens on the Unix socket that was passed")
                                               : std::unexpected(socket.error());
  }
  if (socket) {
    const auto checked =
        check_listener(sockets::user_at_other_end(socket->get()), user, "the Unix socket that was passed");
    if (!checked) return std::unexpected(checked.error());
  }
  return RegistrationTarget{.address = *address,
                            .text = "a Unix socket that was passed",
                            .listening_user = user,
                            .holds = std::make_shared<const Fd>(std::move(passed))};
}

Result<RegistrationTarget> listener_target(Fd passed) {
  if (option(passed.get(), SO_TYPE) != SOCK_STREAM || option(passed.get(), SO_ACCEPTCONN) != 1) {
    return failure("what was passed is no stream socket that listens");
  }
  if (!is_of_our_network(passed.get())) return failure("what was passed is of another network namespace");
  Address address = Address::local_of(passed.get());
  RegistrationTarget target;
  if (address.is_unix()) {
    const auto* const name = reinterpret_cast<const sockaddr_un*>(address.data());
    const bool abstract = address.length() > offsetof(sockaddr_un, sun_path) && name->sun_path[0] == '\0';
    if (!abstract) return failure("it has a path or no name: pass its file instead, opened by O_PATH");
    target.text = "an abstract Unix socket that was passed";
  } else {
    if (address.is_any()) {
      const auto loopback = Address::parse(address.family() == AF_INET ? "127.0.0.1:1" : "[::1]:1");
      const std::uint16_t port = address.port();
      address = *loopback;
      address.set_port(port);
    }
    if (!address.is_loopback()) {
      return failure(std::format("the socket that was passed listens on {}, not on loopback", address.to_string()));
    }
    target.text = std::format("a passed socket on {}", address.to_string());
  }
  target.address = address;
  target.holds = std::make_shared<const Fd>(std::move(passed));
  return target;
}

}  // namespace

Result<RegistrationTarget> registration_target(std::string_view text, Fd passed, uid_t user) {
  if (text != kPassed) return port_target(text, user);
  if (!passed) return failure("no descriptor came with the line that says fd");
  struct stat status{};
  if (::fstat(passed.get(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return failure("what was passed is no socket");
  }
  if ((::fcntl(passed.get(), F_GETFL) & O_PATH) != 0) return file_target(std::move(passed), user);
  return listener_target(std::move(passed));
}

}  // namespace gatehouse
