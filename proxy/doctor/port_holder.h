// Who holds a port, from what /proc tells: the inode of the socket, then whose descriptor it is. Other users' processes
// tell only root. Main thread of a short-lived process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gatehouse::doctor {

struct PortHolder {
  int pid = 0;
  std::string program;  // its name, as the system shows it
  bool gatehouse = false;
};

// `table`: "tcp" or "udp"; v4 and v6 are looked at. Returns nothing if nobody holds the port, or somebody whom we may
// not see.
std::optional<PortHolder> holder_of_port(std::uint16_t port, const std::string& table);
std::optional<PortHolder> holder_of_socket(const std::string& path);

}  // namespace gatehouse::doctor
