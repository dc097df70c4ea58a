#include "proxy/frontend/accept/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/text.h"

namespace gatehouse::proxy_header {

namespace {

using Reading = std::expected<std::optional<Header>, ProxyHeaderFailure>;

constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kLongestLine = 107;
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedSize = 16;

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestId = 128;

Reading invalid() {
  return std::unexpected(ProxyHeaderFailure::kInvalid);
}

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at])) << 8 | static_cast<std::uint8_t>(bytes[at + 1]);
}

// --- version 1 ---

std::string_view take_word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

std::optional<std::uint16_t> port_of(std::string_view word) {
  constexpr std::size_t kDigits = 5;
  constexpr std::uint64_t kHighest = 65535;
  if (word.size() > kDigits || (word.size() > 1 && word.starts_with('0'))) return std::nullopt;
  const auto port = text::parse_decimal(word);
  if (!port || *port > kHighest) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

std::optional<Address> address_of(int family, std::string_view word, std::optional<std::uint16_t> port) {
  const std::string host(word);
  if (!port) return std::nullopt;
  if (family == AF_INET) {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr = {}, .sin_zero = {}};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) return std::nullopt;
    return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(*port);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  return Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

// Without "PROXY " and the end of the line.
Reading read_line(std::string_view line, std::size_t size) {
  Header header{.size = size};
  const std::string_view kind = take_word(line);
  if (kind == "UNKNOWN") return header;
  if (kind != "TCP4" && kind != "TCP6") return invalid();
  const int family = kind == "TCP4" ? AF_INET : AF_INET6;
  const std::string_view source = take_word(line);
  const std::string_view destination = take_word(line);
  const std::string_view source_port = take_word(line);
  header.source = address_of(family, source, port_of(source_port));
  header.destination = address_of(family, destination, port_of(line));
  if (!header.source || !header.destination) return invalid();
  return header;
}

Reading read_v1(std::string_view bytes) {
  const std::size_t end = bytes.find_first_of(std::string_view("\r\n\0", 3));
  if (end == std::string_view::npos || end + 2 > bytes.size()) {
    if (bytes.size() >= kLongestLine) return std::unexpected(ProxyHeaderFailure::kTooLong);
    if (end != std::string_view::npos && bytes[end] != '\r') return invalid();
    return std::nullopt;
  }
  if (end + 2 > kLongestLine) return std::unexpected(ProxyHeaderFailure::kTooLong);
  if (bytes.substr(end, 2) != "\r\n") return invalid();
  return read_line(bytes.substr(kWord.size(), end - kWord.size()), end + 2);
}

// --- version 2 ---

enum Command : std::uint8_t { kLocal = 0, kProxy = 1 };
enum Family : std::uint8_t { kUnspecified = 0, kInet = 1, kInet6 = 2, kUnix = 3 };
enum Tlv : std::uint8_t { kAlpn = 1, kAuthority = 2, kChecksum = 3, kUniqueId = 5 };

constexpr std::array<std::size_t, 4> kAddressSizes = {0, 12, 36, 216};
constexpr std::uint8_t kHighestTransport = 2;
constexpr std::size_t kPathSize = 108;

// CRC32c (RFC 3720 appendix B.4) of the header, with zeros in place of the checksum itself.
std::uint32_t checksum_of(std::string_view bytes, std::size_t zeros_at) {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    crc ^= i >= zeros_at && i < zeros_at + 4 ? 0U : static_cast<std::uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
  }
  return ~crc;
}

// `block` is one address, and then in network order its port.
Address inet_address(std::string_view address, std::string_view port) {
  if (address.size() == sizeof(in_addr)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.data(), address.size());
    std::memcpy(&v4.sin_port, port.data(), sizeof v4.sin_port);
    return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address.data(), address.size());
  std::memcpy(&v6.sin6_port, port.data(), sizeof v6.sin6_port);
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
}

// As far as it is a path: the socket of a client rarely has one, and a name without a file is of its machine only.
Address unix_address(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path = path.substr(0, std::min(path.find('\0'), sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  const std::size_t length = offsetof(sockaddr_un, sun_path) + (path.empty() ? 0 : path.size() + 1);
  return {reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)};
}

void read_addresses(std::string_view block, std::uint8_t family, Header& header) {
  if (family == kUnix) {
    header.source = unix_address(block.substr(0, kPathSize));
    header.destination = unix_address(block.substr(kPathSize));
  } else if (family != kUnspecified) {
    const std::size_t size = family == kInet ? sizeof(in_addr) : sizeof(in6_addr);
    header.source = inet_address(block.substr(0, size), block.substr(2 * size, 2));
    header.destination = inet_address(block.substr(size, size), block.substr(2 * size + 2, 2));
  }
}

// What follows the addresses, from `at` on. `bytes` are the whole header.
Reading read_tlvs(std::string_view bytes, std::size_t at, Header header) {
  constexpr std::size_t kTlvHead = 3;
  bool checked = false;
  while (at < bytes.size()) {
    if (bytes.size() - at < kTlvHead) return invalid();
    const auto type = static_cast<std::uint8_t>(bytes[at]);
    const std::size_t size = number_at(bytes, at + 1);
    at += kTlvHead;
    if (bytes.size() - at < size) return invalid();
    const std::string_view value = bytes.substr(at, size);
    if (type == kAlpn) {
      header.alpn = value.substr(0, kLongestName);
    } else if (type == kAuthority) {
      header.authority = value.substr(0, kLongestName);
    } else if (type == kUniqueId) {
      header.unique_id = value.substr(0, kLongestId);
    } else if (type == kChecksum) {
      if (size != 4 || std::exchange(checked, true)) return invalid();
      const std::size_t said = number_at(value, 0) << 16 | number_at(value, 2);
      if (checksum_of(bytes, at) != said) return std::unexpected(ProxyHeaderFailure::kChecksum);
    }
    at += size;
  }
  return header;
}

// Each byte is judged as soon as it is there.
Reading read_v2(std::string_view bytes) {
  constexpr std::size_t kVersionAt = 12;
  constexpr std::size_t kFamilyAt = 13;
  constexpr std::size_t kLengthAt = 14;
  if (bytes.size() <= kVersionAt) return std::nullopt;
  const auto version = static_cast<std::uint8_t>(bytes[kVersionAt]);
  const auto command = static_cast<std::uint8_t>(version & 0xfU);
  if (version >> 4 != 2 || command > kProxy) return invalid();
  if (bytes.size() <= kFamilyAt) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(bytes[kFamilyAt]);
  const auto family = static_cast<std::uint8_t>(kind >> 4);
  if (family >= kAddressSizes.size() || (kind & 0xfU) > kHighestTransport) return invalid();
  if (bytes.size() < kFixedSize) return std::nullopt;
  const std::size_t addresses = command == kLocal ? 0 : kAddressSizes[family];
  const std::size_t size = kFixedSize + number_at(bytes, kLengthAt);
  if (size > kLongest) return std::unexpected(ProxyHeaderFailure::kTooLong);
  if (size < kFixedSize + addresses) return invalid();
  if (bytes.size() < size) return std::nullopt;
  Header header{.size = size};
  if (command == kLocal) return header;
  read_addresses(bytes.substr(kFixedSize, addresses), family, header);
  return read_tlvs(bytes.substr(0, size), kFixedSize + addresses, std::move(header));
}

bool begins_like(std::string_view bytes, std::string_view beginning) {
  return bytes.substr(0, beginning.size()) == beginning.substr(0, bytes.size());
}

}  // namespace

Reading read(std::string_view bytes) {
  if (begins_like(bytes, kWord)) return bytes.size() < kWord.size() ? std::nullopt : read_v1(bytes);
  if (begins_like(bytes, kSignature)) return bytes.size() < kSignature.size() ? std::nullopt : read_v2(bytes);
  return std::unexpected(ProxyHeaderFailure::kMissing);
}

bool begins(std::string_view bytes) {
  return bytes.starts_with(kWord) || bytes.starts_with(kSignature);
}

}  // namespace gatehouse::proxy_header
