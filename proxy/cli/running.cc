#include "proxy/cli/running.h"

#include <algorithm>
#include <filesystem>
#include <format>
#include <string>

#include "proxy/admin/status_grid.h"
#include "proxy/admin/status_summary.h"
#include "proxy/cli/client.h"
#include "proxy/cli/output.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

// Behind an error about one instance, those that run.
std::string but_others_run() {
  const auto live = directories::live_control_sockets();
  return live.empty() ? "" : '\n' + table_of_instances("what runs", live);
}

int unreachable(const fs::path& socket, const Error& error) {
  return complain(std::format("{}: {}{}", socket.string(), error.message, but_others_run()));
}

// "2 requests in flight", as far as it says.
std::string what_it_waits_for(const fs::path& socket) {
  const auto summary = fetch_status(socket).and_then(status_summary);
  return summary && !summary->under_way.empty() ? ": " + terminal_text(summary->under_way) : "";
}

std::string name_of(const ControlConnection& connection) {
  return connection.pid() > 0 ? std::format("process {}", connection.pid()) : "it";
}

Result<std::string> status_of(const fs::path& socket) {
  return fetch_status(socket).transform_error([&](const Error& error) {
    return Error{.message = std::format("{}: {}", socket.string(), error.message), .code = error.code};
  });
}

// The admin address answers whoever reaches it, a control socket only its own user. So that one is asked where it is
// meant, or where nothing says where the admin address is.
Result<StatusSource> source_of(const Target& target) {
  const bool named = target.pid != 0 || !target.control.empty();
  const std::string file = target.file_or_default();
  if (target.admin.empty() && (named || file.empty())) {
    const auto socket = find_control_socket(target);
    if (socket && (named || status_of(*socket))) return [socket = *socket] { return status_of(socket); };
    if (!socket && (named || !directories::live_control_sockets().empty())) return std::unexpected(socket.error());
  }
  const auto address = find_admin_address(target.admin, file);
  if (!address) return std::unexpected(address.error());
  return [address = *address] { return fetch(address, "/status.json"); };
}

}  // namespace

int command_running(const Target& target, std::string_view command) {
  const auto socket = find_control_socket(target);
  if (!socket) return complain(socket.error().message);
  const auto outcome = send_command(*socket, command);
  if (!outcome) return unreachable(*socket, outcome.error());
  print(outcome->ok ? stdout : stderr, outcome->text);
  return outcome->ok ? kExitFine : kExitFailed;
}

int stop_running(const Target& target, std::chrono::seconds patience) {
  using Steady = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kEach{5000};
  const auto socket = find_control_socket(target);
  if (!socket) return complain(socket.error().message);
  auto connection =
      ControlConnection::open(*socket, std::clamp(patience, std::chrono::seconds(1), ControlConnection::kPatience));
  if (!connection) return unreachable(*socket, connection.error());
  const auto outcome = connection->command("stop");
  if (!outcome) return complain(std::format("{}: {}", socket->string(), outcome.error().message));
  if (!outcome->ok) {
    print(stderr, outcome->text);
    return kExitFailed;
  }
  const auto deadline = Steady::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
    if (connection->await_end(std::clamp(left, std::chrono::milliseconds::zero(), kEach))) break;
    const std::string waits = what_it_waits_for(*socket);
    if (Steady::now() >= deadline) {
      return complain(std::format("{} still runs after {} s{}", name_of(*connection), patience.count(), waits));
    }
    print(stderr, std::format("{} still runs{}\n", name_of(*connection), waits));
  }
  print(stdout, "stopped\n");
  return kExitFine;
}

int show_running(const Target& target, const StatusOptions& options) {
  const auto source = source_of(target);
  if (!source) return complain(source.error().message);
  const auto shown = show_status(*source, options);
  return shown ? kExitFine : complain(shown.error().message);
}

}  // namespace gatehouse
