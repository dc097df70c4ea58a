#include "proxy/apps/listen_target.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "common/sockets.h"
#include "proxy/apps/files/app_file.h"

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

// Away from the loop: the app may have put anything into it. What is left then, whoever cleans the directory finds.
void remove_folder(const std::string& folder, const std::string& user) {
  const Result<AppUser> identity = identity_to_take(user);
  if (!identity) return;
  {
    const Result<std::optional<AsUser>> acting = act_as(*identity);
    if (!acting) return;
    std::error_code ignored;
    ::chmod(folder.c_str(), 0700);
    std::filesystem::remove_all(folder, ignored);
  }
  ::rmdir(folder.c_str());
}

}  // namespace

Result<ListenTarget> ListenTarget::prepare(const Wish& wish, SpareListeners& spares) {
  ListenTarget target;
  Result<> done;
  switch (wish.spec.transport) {
    case AppTransport::kPort:
      done = target.choose_port(wish);
      break;
    case AppTransport::kSocket:
      done = target.make_socket_folder(wish);
      break;
    case AppTransport::kInherit:
      done = target.listen_here(spares);
      break;
  }
  if (!done) return std::unexpected(std::move(done).error());
  return target;
}

Result<> ListenTarget::choose_port(const Wish& wish) {
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

Result<> ListenTarget::make_socket_folder(const Wish& wish) {
  if (wish.runtime_directory.empty()) return failure("there is no runtime directory for its socket");
  const std::string& user = wish.spec.process.user;
  // Other processes of Gatehouse may share the directory. One of our number that was killed may have left the folder.
  const std::string usual =
      wish.runtime_directory + "/app-" + std::to_string(::getpid()) + "-" + std::to_string(wish.id);
  std::string folder = usual;
  for (int attempt = 1; ::mkdir(folder.c_str(), 0700) != 0; ++attempt) {
    if (errno != EEXIST || attempt > kAttempts) return system_failure("cannot make " + folder, errno);
    wish.files.run([folder, user] -> FileThread::Then {
      remove_folder(folder, user);
      return {};
    });
    folder = usual + "-" + std::to_string(attempt);
  }
  folder_ = {.path = folder, .user = user, .files = &wish.files};
  const std::string path = folder + "/s";
  if (path.size() >= sizeof(sockaddr_un{}.sun_path)) return failure("the path of a socket would be too long: " + path);
  if (wish.user) {
    if (Result<> done = give_folder(wish.runtime_directory, *wish.user); !done) return done;
    listening_user_ = wish.user->uid;
  }
  Result<Address> address = Address::parse("unix:" + path);
  if (!address) return std::unexpected(std::move(address).error());
  address_ = *address;
  environment_ = {{"SOCKET", path}, {"ASPNETCORE_URLS", "http://unix:" + path}};
  return {};
}

// Who the app runs as must be able to reach its own folder, and nothing else in there.
Result<> ListenTarget::give_folder(const std::string& runtime_directory, const UserIdentity& user) {
  const Fd around(::open(runtime_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!around || ::fstat(around.get(), &status) != 0) return system_failure("cannot open " + runtime_directory, errno);
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return failure("others can change what is in " + runtime_directory + ": no place for the socket of " + user.name,
                   EPERM);
  }
  const std::string name = std::filesystem::path(folder_.path).filename().native();
  const Fd folder(::openat(around.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder || ::fchmod(around.get(), 0711) != 0 || ::fchown(folder.get(), user.uid, user.gid) != 0) {
    return system_failure("cannot give " + folder_.path + " to " + user.name, errno);
  }
  return {};
}

Result<> ListenTarget::listen_here(SpareListeners& spares) {
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

AppSpec::Process ListenTarget::told(AppSpec::Process process) const {
  const bool by_port = address_.port() != 0;
  const std::string_view placeholder = by_port ? "{port}" : "{socket}";
  const std::string value = by_port ? std::to_string(address_.port()) : folder_.path + "/s";
  const auto fill_in = [&](std::string& text) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at)) {
      const bool is_shells = at != 0 && text[at - 1] == '$';  // ${port}
      if (!is_shells) text.replace(at, placeholder.size(), value);
      at += is_shells ? placeholder.size() : value.size();
    }
  };
  std::ranges::for_each(process.command, fill_in);
  for (auto& [name, text] : process.environment) fill_in(text);
  return process;
}

ListenTarget::~ListenTarget() {
  if (folder_.path.empty()) return;
  folder_.files->run([path = folder_.path, user = folder_.user] -> FileThread::Then {
    remove_folder(path, user);
    return {};
  });
}

}  // namespace gatehouse
