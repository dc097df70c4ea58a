// Socket addresses and address ranges as values. Text forms are those of the configuration: "127.0.0.1:80",
// "[::1]:443",
// ":443" (every address, v4 and v6), "unix:/path"; "localhost" is 127.0.0.1 (RFC 6761). No name look-ups here.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

class Address {
 public:
  Address() = default;  // AF_UNSPEC
  Address(const sockaddr* address, socklen_t length);

  static Result<Address> parse(std::string_view text);
  static Address local_of(int fd);  // getsockname; AF_UNSPEC where that fails

  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_any() const;         // 0.0.0.0 or ::
  bool is_loopback() const;    // a Unix socket counts as such
  std::uint16_t port() const;  // 0 for Unix sockets
  void set_port(std::uint16_t port);
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }

  std::string host() const;       // "127.0.0.1", "::1" (v4-mapped ones as v4), "unix:" + path
  std::string to_string() const;  // as parse() reads it

  friend bool operator==(const Address& a, const Address& b);

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

// A CIDR: "10.0.0.0/8", "::1", "fd00::/8", or "unix" (every Unix-socket client). A v4 range also matches v4-mapped
// addresses.
class AddressRange {
 public:
  static Result<AddressRange> parse(std::string_view text);
  bool contains(const Address& address) const;
  std::string to_string() const;  // as parse() reads it

 private:
  int family_ = AF_UNSPEC;
  std::uint8_t bytes_[16] = {};
  unsigned prefix_ = 0;
};

}  // namespace gatehouse
