#include "proxy/cli/target.h"

#include <format>
#include <system_error>
#include <utility>

#include "common/address.h"
#include "common/sockets.h"
#include "config/reading/load.h"
#include "proxy/admin/status_grid.h"
#include "proxy/admin/status_summary.h"
#include "proxy/cli/client.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

// Where a configuration is looked for when none is named; empty: there is none.
std::string default_file() {
  for (const char* const path : {"gatehouse.toml", "/etc/gatehouse/gatehouse.toml"}) {
    std::error_code error;
    if (fs::exists(path, error)) return path;
  }
  return {};
}

bool is_served(const fs::path& socket) {
  const auto address = Address::parse("unix:" + socket.string());
  return address && sockets::accepts(*address);
}

std::unexpected<Error> unclear(std::string_view what, const std::vector<fs::path>& live) {
  return failure(
      table_of_instances(std::format("{}; say with --pid PID, FILE or --control PATH which one is meant", what), live));
}

Result<fs::path> socket_of_process(int pid) {
  const auto live = directories::live_control_sockets();
  for (const fs::path& socket : live) {
    const auto connection = ControlConnection::open(socket);
    if (connection && connection->pid() == pid) return socket;
  }
  if (live.empty()) return failure("no running instance found");
  return unclear(std::format("process {} is no instance that can be reached from here", pid), live);
}

Result<fs::path> socket_of_file(const std::string& file) {
  const auto named = config::control_socket_of(file);
  if (named && !named->empty()) return *named;
  auto usual = directories::control_socket(file);
  std::error_code error;
  if (!usual || fs::exists(*usual, error)) return usual;
  // It may name a socket that cannot be read out of it now; another instance is not what is meant.
  if (!named) {
    return failure(file +
                   " cannot be read, so that it does not say which instance is meant; name its control "
                   "socket with --control PATH");
  }
  return usual;
}

}  // namespace

std::string Target::file_or_default() const {
  return file.empty() ? default_file() : file;
}

std::string table_of_instances(std::string_view heading, const std::vector<fs::path>& sockets) {
  TextGrid grid({{.title = "pid", .align = TextGrid::Align::kRight},
                 {.title = "up", .align = TextGrid::Align::kRight},
                 {.title = "file"},
                 {.title = "listeners"},
                 {.title = "control"}});
  for (const fs::path& socket : sockets) {
    const auto known = fetch_status(socket).and_then(status_summary);
    const StatusSummary row = known.value_or(StatusSummary{.age = "?", .file = "?", .listeners = "?"});
    grid.row(
        {{row.pid == 0 ? "?" : std::to_string(row.pid)}, {row.age}, {row.file}, {row.listeners}, {socket.string()}});
  }
  TextPage page(false);
  page.add(grid, 2);
  std::string text = std::format("{}:\n{}", heading, page.take());
  text.pop_back();  // the last line's end, which whoever prints it adds
  return text;
}

Result<fs::path> find_control_socket(const Target& target) {
  if (!target.control.empty()) return target.control;
  if (target.pid != 0) return socket_of_process(target.pid);
  if (!target.file.empty()) return socket_of_file(target.file);
  const std::string file = default_file();
  const auto live = directories::live_control_sockets();
  if (!file.empty()) {
    auto socket = socket_of_file(file);
    if (live.empty() || (socket && is_served(*socket))) return socket;
    return unclear(std::format("no instance serves {}, but others run", file), live);
  }
  if (live.size() == 1) return live.front();
  if (live.empty()) return failure("no running instance found");
  return unclear("several instances run", live);
}

}  // namespace gatehouse
