#include "proxy/apps/process/port_owner.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"

namespace gatehouse {

namespace {

constexpr std::string_view kListening = "0A";  // TCP_LISTEN in /proc/net/tcp, see proc_pid_net(5)
constexpr std::size_t kMostPlaces = 5;

struct Listener {
  std::string socket;  // "socket:[INODE]", as /proc/PID/fd names it
  uid_t user = 0;
  // As the file writes it, words in the order of the machine: "0100007F"; of a Unix socket its name.
  std::string host;
  std::uint16_t port = 0;
};

// Addresses that a connection to 127.0.0.1 can reach.
bool takes_loopback(std::string_view host) {
  static constexpr std::array<std::string_view, 4> kAddresses = {
      "0100007F", "00000000", "00000000000000000000000000000000", "0000000000000000FFFF00000100007F"};
  return std::ranges::contains(kAddresses, host);
}

std::vector<Listener> tcp_listeners() {
  std::vector<Listener> found;
  for (const char* const file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(file);
    std::string line;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
      const std::size_t colon = local.find(':');
      if (!words || state != kListening || colon == std::string::npos) continue;
      found.push_back({.socket = "socket:[" + inode + "]",
                       .user = static_cast<uid_t>(std::stoul(user)),
                       .host = local.substr(0, colon),
                       .port = static_cast<std::uint16_t>(std::stoul(local.substr(colon + 1), nullptr, 16))});
    }
  }
  return found;
}

// Of those that a connection to 127.0.0.1 on this port can reach.
std::vector<Listener> listeners_at(std::uint16_t port) {
  std::vector<Listener> found = tcp_listeners();
  std::erase_if(found, [&](const Listener& one) { return one.port != port || !takes_loopback(one.host); });
  return found;
}

std::vector<Listener> unix_listeners() {
  constexpr unsigned long kAccepts = 0x10000;  // __SO_ACCEPTCON
  std::vector<Listener> found;
  std::ifstream table("/proc/net/unix");
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode, path;
    words >> number >> references >> protocol >> flags >> type >> state >> inode >> path;
    if (!words || (std::stoul(flags, nullptr, 16) & kAccepts) == 0) continue;
    if (path.contains("/dotnet-diagnostic-")) continue;  // every .NET process has one, for its tools
    found.push_back({.socket = "socket:[" + inode + "]", .host = "unix:" + path});
  }
  return found;
}

std::string for_people(const Listener& listener) {
  if (listener.host.starts_with("unix:")) return listener.host;
  constexpr std::size_t kWord = 8;
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = std::min(listener.host.size() / kWord, words.size());
  for (std::size_t i = 0; i < count; ++i) {
    words.at(i) = static_cast<std::uint32_t>(std::stoul(listener.host.substr(i * kWord, kWord), nullptr, 16));
  }
  if (count == 1) {
    const sockaddr_in address{
        .sin_family = AF_INET, .sin_port = htons(listener.port), .sin_addr = {words[0]}, .sin_zero = {}};
    return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address).to_string();
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(listener.port);
  std::memcpy(&address.sin6_addr, words.data(), sizeof address.sin6_addr);
  return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address).to_string();
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
  std::vector<Listener> listeners = listeners_at(port);
  if (listeners.empty()) return PortOwner::kNobody;
  const Holdings holdings = holdings_of(ProcessTable::read().tree(mark));
  std::erase_if(listeners, [&](const Listener& listener) {
    return holdings.sockets.contains(listener.socket) || holdings.unreadable.contains(listener.user);
  });
  if (listeners.empty()) return PortOwner::kOurs;
  // One of ours that ended after the first look holds nothing: a stranger is who listens still.
  const auto same = [](const Listener& one, const Listener& other) { return one.socket == other.socket; };
  const bool stays = std::ranges::find_first_of(listeners, listeners_at(port), same) != listeners.end();
  return stays ? PortOwner::kOther : PortOwner::kNobody;
}

std::string listens_on(const TreeMark& mark) {
  const std::set<std::string> sockets = holdings_of(ProcessTable::read().tree(mark)).sockets;
  std::set<std::string> places;
  for (const std::vector<Listener>& listeners : {tcp_listeners(), unix_listeners()}) {
    for (const Listener& listener : listeners) {
      if (sockets.contains(listener.socket)) places.insert(for_people(listener));
    }
  }
  std::string text;
  std::size_t left = places.size();
  for (const std::string& place : std::views::take(places, static_cast<std::ptrdiff_t>(kMostPlaces))) {
    --left;
    text += text.empty() ? place : (left == 0 ? " and " : ", ") + place;
  }
  return left == 0 ? text : std::format("{} and {} more", text, left);
}

}  // namespace gatehouse
