// Socket addresses and address ranges as values; any thread. Text forms are those of the configuration:
//
//   127.0.0.1:80    [::1]:443    localhost:80 (127.0.0.1, RFC 6761)
//   :443            every address, v4 and v6: the same as [::]:443
//   unix:/path      a Unix socket; its path is absolute and at most 107 bytes long
//
// Names are not looked up here, and a v6 address has no zone in its text ("fe80::1%eth0").
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace gatehouse {

class Address {
 public:
  // No address: its family is AF_UNSPEC and its text is empty.
  Address() = default;
  // Copies what accept(2), recvmsg(2) and the like have filled in.
  Address(const sockaddr* address, socklen_t length);

  // The error quotes `text` and says what is wrong with it. Port 0 is allowed: bind(2) then chooses one.
  static Result<Address> parse(std::string_view text);
  // The address that the socket is bound to (getsockname(2)); AF_UNSPEC if that fails.
  static Address local_of(int fd);

  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  // Whether it stands for every address of the machine: 0.0.0.0 or ::.
  bool is_any() const;
  // Whether only this machine can be there: 127.0.0.0/8, ::1, or a Unix socket.
  bool is_loopback() const;
  // In the byte order of the machine; 0 for a Unix socket.
  std::uint16_t port() const;
  // Does nothing to a Unix socket.
  void set_port(std::uint16_t port);
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }

  // "127.0.0.1", "::1" or "unix:/path", without brackets and port. A v4-mapped address is written as v4; the socket of
  // a Unix client has no path, and is "unix:".
  std::string host() const;
  // The path of a Unix socket. REQUIRES: is_unix().
  std::string path() const;
  // With brackets and port, as parse() reads it.
  std::string to_string() const;

  // Compares family, host, port and zone. A v4 address and its v4-mapped form are different.
  friend bool operator==(const Address& a, const Address& b);

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

// Addresses with a common prefix: "10.0.0.0/8", "fd00::/8", one address such as "::1", or "unix" for every client of a
// Unix socket. A v4 range also contains v4-mapped addresses, and a range of v4-mapped ones is a v4 range.
class AddressRange {
 public:
  // The error quotes `text`. Bits beyond the prefix are ignored.
  static Result<AddressRange> parse(std::string_view text);
  // Ports do not matter.
  bool contains(const Address& address) const;
  // As parse() reads it, always with the prefix length.
  std::string to_string() const;

 private:
  AddressRange() = default;

  int family_ = AF_UNSPEC;
  std::uint8_t bytes_[16] = {};
  unsigned prefix_ = 0;
};

}  // namespace gatehouse
