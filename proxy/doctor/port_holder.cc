#include "proxy/doctor/port_holder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

#include "common/text.h"

namespace gatehouse::doctor {
namespace {

namespace fs = std::filesystem;

// A line of /proc/net/tcp and its like, see proc_pid_net(5): "sl local remote st ... inode".
struct Row {
  std::uint16_t port = 0;
  std::string state;
  std::string user;
  std::string inode;
};

// Sockets by what /proc/PID/fd shows of them, and who made them.
struct Sockets {
  std::set<std::string> links;
  std::set<std::string> users;
};

Row row_of(const std::string& line) {
  std::istringstream words(line);
  std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
  words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
  Row row{.state = state, .user = user, .inode = inode};
  const std::size_t colon = local.rfind(':');
  if (colon != std::string::npos) {
    row.port = static_cast<std::uint16_t>(std::strtoul(local.c_str() + colon + 1, nullptr, 16));
  }
  return row;
}

Sockets sockets_of(std::uint16_t port, const std::string& table) {
  constexpr std::string_view kListening = "0A";
  Sockets sockets;
  for (const std::string_view family : {"", "6"}) {
    std::ifstream rows(std::format("/proc/net/{}{}", table, family));
    std::string line;
    std::getline(rows, line);  // the titles
    while (std::getline(rows, line)) {
      const Row row = row_of(line);
      if (row.port != port || (table == "tcp" && row.state != kListening)) continue;
      sockets.links.insert(std::format("socket:[{}]", row.inode));
      sockets.users.insert(row.user);
    }
  }
  return sockets;
}

bool has_one_of(const fs::path& process, const std::set<std::string>& links) {
  std::error_code error;
  for (fs::directory_iterator it(process / "fd", error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    if (links.contains(fs::read_symlink(it->path(), unreadable).string())) return true;
  }
  return false;
}

std::string program_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::string user_of(const fs::path& process) {
  struct stat status{};
  return ::stat(process.c_str(), &status) == 0 ? std::to_string(status.st_uid) : std::string();
}

// What a process has open is for its user and root to see. Of others it is known who made the socket: a Gatehouse of
// that user is most likely who has it.
std::optional<PortHolder> holder_of(const Sockets& sockets) {
  if (sockets.links.empty()) return std::nullopt;
  std::optional<PortHolder> likely;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const auto pid = text::parse_decimal(it->path().filename().string());
    if (!pid) continue;
    const std::string program = program_of(it->path());
    PortHolder holder{.pid = static_cast<int>(*pid), .program = program, .gatehouse = program == "gatehouse"};
    if (has_one_of(it->path(), sockets.links)) return holder;
    const bool hidden = ::access((it->path() / "fd").c_str(), R_OK) != 0;
    if (hidden && holder.gatehouse && sockets.users.contains(user_of(it->path()))) likely = holder;
  }
  return likely;
}

}  // namespace

std::optional<PortHolder> holder_of_port(std::uint16_t port, const std::string& table) {
  return holder_of(sockets_of(port, table));
}

std::optional<PortHolder> holder_of_socket(const std::string& path) {
  Sockets sockets;
  std::ifstream rows("/proc/net/unix");
  for (std::string line; std::getline(rows, line);) {
    if (!line.ends_with(" " + path)) continue;
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode;
    words >> number >> references >> protocol >> flags >> type >> state >> inode;
    sockets.links.insert(std::format("socket:[{}]", inode));
  }
  return holder_of(sockets);
}

}  // namespace gatehouse::doctor
