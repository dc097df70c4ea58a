#include "proxy/apps/port_owner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

namespace {

constexpr std::string_view kListening = "0A";  // TCP_LISTEN in /proc/net/tcp, see proc_pid_net(5)

struct Listener {
  std::string socket;  // "socket:[INODE]", as /proc/PID/fd names it
  uid_t user = 0;
};

// Addresses that a connection to 127.0.0.1 can reach, as the files write them (words in host order).
bool takes_loopback(std::string_view address) {
  static constexpr std::array<std::string_view, 4> kAddresses = {
      "0100007F", "00000000", "00000000000000000000000000000000", "0000000000000000FFFF00000100007F"};
  return std::ranges::contains(kAddresses, address);
}

void add_listeners(const char* file, std::uint16_t port, std::vector<Listener>& found) {
  std::ifstream table(file);
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
    const std::size_t colon = local.find(':');
    if (!words || state != kListening || colon == std::string::npos) continue;
    if (std::stoul(local.substr(colon + 1), nullptr, 16) != port || !takes_loopback(local.substr(0, colon))) continue;
    found.push_back({.socket = "socket:[" + inode + "]", .user = static_cast<uid_t>(std::stoul(user))});
  }
}

struct Holdings {
  std::set<std::string> sockets;
  std::set<uid_t> unreadable;  // users of processes whose descriptors we may not see
};

Holdings holdings_of(const std::vector<ProcessEntry>& processes) {
  Holdings holdings;
  for (const ProcessEntry& process : processes) {
    const std::string home = "/proc/" + std::to_string(process.pid);
    std::error_code error;
    for (std::filesystem::directory_iterator at(home + "/fd", error), end; !error && at != end; at.increment(error)) {
      std::error_code gone;
      holdings.sockets.insert(std::filesystem::read_symlink(at->path(), gone).native());
    }
    struct stat status{};
    if (error && ::stat(home.c_str(), &status) == 0) holdings.unreadable.insert(status.st_uid);
  }
  return holdings;
}

}  // namespace

PortOwner owner_of_port(std::uint16_t port, const TreeMark& mark) {
  std::vector<Listener> listeners;
  add_listeners("/proc/net/tcp", port, listeners);
  add_listeners("/proc/net/tcp6", port, listeners);
  if (listeners.empty()) return PortOwner::kNobody;
  const Holdings holdings = holdings_of(ProcessTable::read().tree(mark));
  const bool ours = std::ranges::all_of(listeners, [&](const Listener& listener) {
    return holdings.sockets.contains(listener.socket) || holdings.unreadable.contains(listener.user);
  });
  return ours ? PortOwner::kOurs : PortOwner::kOther;
}

}  // namespace gatehouse
