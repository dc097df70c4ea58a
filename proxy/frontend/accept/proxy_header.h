// The PROXY header, versions 1 and 2, by which a proxy in front says at the beginning of a connection whose it is: as
// HAProxy's proxy-protocol.txt has it. Pure, any thread; may be asked again as bytes arrive.
//
//   1   PROXY TCP4 203.0.113.7 198.51.100.1 35646 443\r\n        at most 107 bytes
//       PROXY UNKNOWN ...\r\n
//   2   | signature, 12 bytes | 2, command | family, transport | length, 2 bytes | addresses | TLVs ... |
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/address.h"
#include "proxy/http/counters.h"

namespace gatehouse::proxy_header {

// As much as nginx and HAProxy read. Addresses and what a proxy says besides need a tenth of it.
inline constexpr std::size_t kLongest = 4096;

struct Header {
  // In bytes; what is behind it is the client's.
  std::size_t size = 0;
  // Nothing where the connection is the proxy's own (LOCAL), or the proxy does not know (UNKNOWN, AF_UNSPEC).
  std::optional<Address> source;
  std::optional<Address> destination;
  // The server name of the client's TLS, the protocol that was agreed on, and an id of the connection: cut off where
  // they are longer than they can be in earnest, and otherwise any bytes. Empty: not said.
  std::string authority;
  std::string alpn;
  std::string unique_id;
};

// Returns the header that `bytes` begin with; nothing as long as they are only the beginning of one; or why they never
// will be one. kMissing means that they are none from their first bytes on, and may be something else.
std::expected<std::optional<Header>, ProxyHeaderFailure> read(std::string_view bytes);

// Whether they are the beginning of one for certain: all that follows belongs to it, up to its end.
bool begins(std::string_view bytes);

}  // namespace gatehouse::proxy_header
