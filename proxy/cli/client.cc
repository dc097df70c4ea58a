#include "proxy/cli/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <format>
#include <optional>
#include <utility>

#include "common/fd.h"
#include "config/reading/load.h"
#include "proxy/system/directories.h"

namespace gatehouse {

namespace {

Result<Fd> connected(const Address& address, std::chrono::seconds patience) {
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
      connect(socket.get(), address.data(), address.length()) != 0) {
    return system_failure("cannot connect to " + address.to_string(), errno);
  }
  return socket;
}

Result<std::string> ask(int socket, std::string_view question) {
  while (!question.empty()) {
    const ssize_t sent = send(socket, question.data(), question.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_failure("cannot send", errno);
    question.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string response;
  std::array<char, 16 * 1024> block{};
  for (;;) {
    const ssize_t count = recv(socket, block.data(), block.size(), 0);
    if (count == 0) return response;
    if (count > 0) {
      response.append(block.data(), static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      return failure("no answer in time", ETIMEDOUT);
    } else if (errno != EINTR) {
      return system_failure("cannot receive", errno);
    }
  }
}

}  // namespace

Result<std::filesystem::path> find_control_socket(const std::string& control, const std::string& config_file) {
  if (!control.empty()) return control;
  if (!config_file.empty()) {
    const auto named = config::control_socket_of(config_file);
    if (named && !named->empty()) return *named;
    auto usual = directories::control_socket(config_file);
    std::error_code error;
    if (!usual || std::filesystem::exists(*usual, error)) return usual;
    // It may name a socket that cannot be read out of it now; another instance is not what is meant.
    if (!named) {
      return failure(config_file +
                     " cannot be read, so that it does not say which instance is meant; name its control "
                     "socket with --control PATH");
    }
  }
  const auto live = directories::live_control_sockets();
  if (live.size() == 1) return live.front();
  if (live.empty()) return failure("no running instance found");
  std::string message = "several instances run; choose one with --control:";
  for (const auto& path : live) message += "\n  " + path.string();
  return failure(std::move(message));
}

Result<CommandOutcome> send_command(const std::filesystem::path& socket, std::string_view command) {
  // Stopping takes as long as draining does, which the process bounds itself.
  constexpr std::chrono::hours kPatience{1};
  const auto address = Address::parse("unix:" + socket.string());
  if (!address) return std::unexpected(address.error());
  const auto connection = connected(*address, kPatience);
  if (!connection) return std::unexpected(connection.error());
  auto response = ask(connection->get(), std::string(command) + '\n');
  if (!response) return std::unexpected(response.error());
  CommandOutcome outcome;
  for (const std::string_view verdict : {"ok\n", "failed\n"}) {
    if (!response->ends_with(verdict)) continue;
    outcome.ok = verdict == "ok\n";
    response->resize(response->size() - verdict.size());
    outcome.text = *std::move(response);
    return outcome;
  }
  return failure("the process ended without an answer");
}

Result<Address> find_admin_address(const std::string& admin, const std::string& config_file) {
  constexpr std::string_view kOff = "off";  // as `proxy` and `host` have it
  Result<Address> address = config::Server::default_admin();
  if (admin == kOff) return failure("the admin address is turned off, so that nobody can be asked");
  if (!admin.empty()) {
    address = Address::parse(admin);
  } else if (!config_file.empty()) {
    const std::optional<config::Server> server = config::server_of(config_file);
    if (!server) return failure(config_file + " cannot be read; name the admin address with --admin");
    if (!server->admin) return failure(config_file + " turns the admin address off");
    address = *server->admin;
  }
  if (!address || !address->is_any()) return address;
  return Address::parse(std::format("127.0.0.1:{}", address->port()));
}

Result<std::string> fetch(const Address& address, std::string_view path, std::chrono::seconds patience) {
  const auto connection = connected(address, patience);
  if (!connection) return std::unexpected(connection.error());
  constexpr std::size_t kShown = 80;  // of a body that says why
  auto response = ask(connection->get(), std::format("GET {} HTTP/1.0\r\nHost: localhost\r\n\r\n", path));
  if (!response) return response;
  const std::size_t head_end = response->find("\r\n\r\n");
  const std::string_view status_line = std::string_view(*response).substr(0, response->find("\r\n"));
  if (head_end == std::string::npos || !status_line.starts_with("HTTP/1.") || status_line.find(" 200 ") != 8) {
    const std::string_view body =
        head_end == std::string::npos ? std::string_view{} : std::string_view(*response).substr(head_end + 4, kShown);
    const std::string_view said = body.substr(0, body.find_first_of("\r\n"));
    return failure(
        std::format("{} answered: {}{}{}", address.to_string(), status_line, said.empty() ? "" : ": ", said));
  }
  return response->substr(head_end + 4);
}

}  // namespace gatehouse
