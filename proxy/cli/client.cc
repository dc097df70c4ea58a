#include "proxy/cli/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <format>
#include <functional>
#include <optional>
#include <utility>

#include "common/text.h"
#include "config/reading/load.h"

namespace gatehouse {

namespace {

constexpr std::chrono::seconds kStatusPatience{2};
// The last line of every outcome.
constexpr std::string_view kOk = "ok\n";
constexpr std::string_view kFailed = "failed\n";

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

// Reads what comes behind what was asked, until that is enough or the connection ends.
Result<> ask(int socket, std::string_view question, std::string& response, const std::function<bool()>& enough) {
  while (!question.empty()) {
    const ssize_t sent = send(socket, question.data(), question.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_failure("cannot send", errno);
    question.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::array<char, 16 * 1024> block{};
  while (!enough()) {
    const ssize_t count = recv(socket, block.data(), block.size(), 0);
    if (count == 0) return {};
    if (count > 0) {
      response.append(block.data(), static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      return failure("no answer in time", ETIMEDOUT);
    } else if (errno != EINTR) {
      return system_failure("cannot receive", errno);
    }
  }
  return {};
}

// Whether the last line of `text` is `line`, which has its end.
bool ends_with_line(std::string_view text, std::string_view line) {
  return text == line || (text.ends_with(line) && text[text.size() - line.size() - 1] == '\n');
}

}  // namespace

ControlConnection::ControlConnection(Fd socket) : socket_(std::move(socket)) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) pid_ = peer.pid;
  if (pid_ > 0) process_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0U)));
}

Result<ControlConnection> ControlConnection::open(const std::filesystem::path& socket, std::chrono::seconds patience) {
  const auto address = Address::parse("unix:" + socket.string());
  if (!address) return std::unexpected(address.error());
  auto connection = connected(*address, patience);
  if (!connection) return std::unexpected(connection.error());
  return ControlConnection(*std::move(connection));
}

Result<CommandOutcome> ControlConnection::command(std::string_view command) {
  std::string response;
  const auto whole = [&response] { return ends_with_line(response, kOk) || ends_with_line(response, kFailed); };
  const auto asked = ask(socket_.get(), std::string(command) + '\n', response, whole);
  if (!asked) return std::unexpected(asked.error());
  if (!whole()) return failure("the process ended without an answer");
  CommandOutcome outcome{.ok = ends_with_line(response, kOk)};
  response.resize(response.size() - (outcome.ok ? kOk : kFailed).size());
  outcome.text = std::move(response);
  return outcome;
}

bool ControlConnection::await_end(std::chrono::milliseconds patience) const {
  // The server says nothing more: what can be read is the end of the connection.
  pollfd end{.fd = process_ ? process_.get() : socket_.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, static_cast<int>(patience.count())) > 0;
}

Result<CommandOutcome> send_command(const std::filesystem::path& socket, std::string_view command) {
  auto connection = ControlConnection::open(socket);
  if (!connection) return std::unexpected(connection.error());
  return connection->command(command);
}

Result<std::string> fetch_status(const std::filesystem::path& socket) {
  auto connection = ControlConnection::open(socket, kStatusPatience);
  if (!connection) return std::unexpected(connection.error());
  auto outcome = connection->command("status");
  if (!outcome) return std::unexpected(outcome.error());
  if (!outcome->ok) return failure(std::move(outcome->text));
  return std::move(outcome->text);
}

Result<Address> admin_address_of(const std::string& text) {
  return Address::parse(text::parse_decimal(text) ? "127.0.0.1:" + text : text);
}

Result<Address> find_admin_address(const std::string& admin, const std::string& config_file) {
  constexpr std::string_view kOff = "off";  // as `proxy` and `host` have it
  Result<Address> address = config::Server::default_admin();
  if (admin == kOff) return failure("the admin address is turned off, so that nobody can be asked");
  if (!admin.empty()) {
    address = admin_address_of(admin);
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
  std::string response;
  const auto asked = ask(connection->get(), std::format("GET {} HTTP/1.0\r\nHost: localhost\r\n\r\n", path), response,
                         [] { return false; });
  if (!asked) return std::unexpected(asked.error());
  const std::size_t head_end = response.find("\r\n\r\n");
  const std::string_view status_line = std::string_view(response).substr(0, response.find("\r\n"));
  if (head_end == std::string::npos || !status_line.starts_with("HTTP/1.") || status_line.find(" 200 ") != 8) {
    const std::string_view body =
        head_end == std::string::npos ? std::string_view{} : std::string_view(response).substr(head_end + 4, kShown);
    const std::string_view said = body.substr(0, body.find_first_of("\r\n"));
    return failure(
        std::format("{} answered: {}{}{}", address.to_string(), status_line, said.empty() ? "" : ": ", said));
  }
  return response.substr(head_end + 4);
}

}  // namespace gatehouse
