// Who holds a port, from what /proc tells: the inode of the socket, then whose descriptor it is. What other users'
// processes have open only root is told; a Gatehouse of the user who made the socket is then taken for its holder.
// Main thread of a short-lived process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gatehouse::doctor {

struct PortHolder {
  int pid = 0;
  // Its name, as /proc/PID/comm has it: 15 bytes at most.
  std::string program;
  // It has that name, which is all that is known of it.
  bool gatehouse = false;
};

// `table` is "tcp", of which listening sockets count, or "udp"; v4 and v6 are looked at. Returns nothing if nobody
// holds the port, or somebody whom we may not see.
std::optional<PortHolder> holder_of_port(std::uint16_t port, const std::string& table);
// The same of the Unix socket with this path.
std::optional<PortHolder> holder_of_socket(const std::string& path);

}  // namespace gatehouse::doctor
