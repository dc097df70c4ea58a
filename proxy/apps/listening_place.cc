#include "proxy/apps/listening_place.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "common/sockets.h"
#include "proxy/apps/user_identity.h"

namespace gatehouse {

namespace {

constexpr int kAttempts = 20;

Result<Address> loopback() {
  return Address::parse("127.0.0.1:0");
}

// Blocking, as programs expect what they inherit; one that was used before may have been changed.
Result<> make_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return system_failure("cannot prepare a listening socket", errno);
  }
  return {};
}

// A port that is free now; that it still is when the app binds it is checked when somebody listens there.
Result<Address> free_port() {
  const Result<Address> any = loopback();
  if (!any) return any;
  const Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe || ::bind(probe.get(), any->data(), any->length()) != 0) {
    return system_failure("cannot find a free port", errno);
  }
  return Address::local_of(probe.get());
}

}  // namespace

Result<ListeningPlace> ListeningPlace::prepare(const Wish& wish, SpareListeners& spares) {
  ListeningPlace place;
  Result<> done;
  switch (wish.spec.transport) {
    case AppTransport::kPort:
      done = place.choose_port(wish);
      break;
    case AppTransport::kSocket:
      done = place.make_socket_folder(wish);
      break;
    case AppTransport::kInherit:
      done = place.listen_here(spares);
      break;
  }
  if (!done) return std::unexpected(std::move(done).error());
  return place;
}

Result<> ListeningPlace::choose_port(const Wish& wish) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Result<Address> found = free_port();
    if (!found) return std::unexpected(std::move(found).error());
    if (std::ranges::contains(wish.taken_ports, found->port())) continue;
    address_ = *found;
    const std::string port = std::to_string(address_.port());
    environment_ = {{"PORT", port}, {"HTTP_PLATFORM_PORT", port}, {"ASPNETCORE_URLS", "http://127.0.0.1:" + port}};
    return {};
  }
  return failure("cannot find a free port that no other instance was given", EADDRINUSE);
}

Result<> ListeningPlace::make_socket_folder(const Wish& wish) {
  // Other processes of Gatehouse may share the directory. One of our number that was killed may have left the folder.
  const std::string folder =
      wish.runtime_directory + "/app-" + std::to_string(::getpid()) + "-" + std::to_string(wish.id);
  const std::string path = folder + "/s";
  if (path.size() >= sizeof(sockaddr_un{}.sun_path)) return failure("the path of a socket would be too long: " + path);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (::mkdir(folder.c_str(), 0700) != 0) return system_failure("cannot make " + folder, errno);
  folder_ = folder;
  const Result<std::optional<UserIdentity>> identity = identity_to_take(wish.spec.process.user);
  if (!identity) return std::unexpected(identity.error());
  if (*identity) {
    // Who the app runs as must be able to reach its own folder, and nothing else in there.
    if (::chmod(wish.runtime_directory.c_str(), 0711) != 0 ||
        ::chown(folder.c_str(), (*identity)->uid, (*identity)->gid) != 0) {
      return system_failure("cannot give " + folder + " to " + (*identity)->name, errno);
    }
  }
  Result<Address> address = Address::parse("unix:" + path);
  if (!address) return std::unexpected(std::move(address).error());
  address_ = *address;
  environment_ = {{"SOCKET", path}, {"ASPNETCORE_URLS", "http://unix:" + path}};
  return {};
}

Result<> ListeningPlace::listen_here(SpareListeners& spares) {
  if (spares.empty()) {
    const Result<Address> where = loopback();
    if (!where) return std::unexpected(where.error());
    Result<Fd> made = sockets::listen(*where, {.reuse_port = false});
    if (!made) return std::unexpected(std::move(made).error());
    spares.push_back(*std::move(made));
  }
  listening_ = std::move(spares.back());
  spares.pop_back();
  if (Result<> done = make_blocking(listening_.get()); !done) return done;
  address_ = Address::local_of(listening_.get());
  environment_ = {{"LISTEN_FDS", "1"}, {"LISTEN_PID", ""}, {"LISTEN_FDNAMES", "http"}};
  return {};
}

ListeningPlace::~ListeningPlace() {
  if (folder_.empty()) return;
  std::error_code ignored;  // whoever cleans the runtime directory finds it
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace gatehouse
