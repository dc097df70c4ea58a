#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";

const sockaddr_in& as_v4(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in&>(storage);
}
const sockaddr_in6& as_v6(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in6&>(storage);
}

// The IP as bytes, a v4-mapped one as v4; size 0 for anything else.
struct IpBytes {
  std::uint8_t bytes[16] = {};
  std::size_t size = 0;
};

IpBytes ip_bytes(const sockaddr_storage& storage) {
  IpBytes ip;
  if (storage.ss_family == AF_INET) {
    ip.size = 4;
    std::memcpy(ip.bytes, &as_v4(storage).sin_addr, 4);
  } else if (storage.ss_family == AF_INET6) {
    const in6_addr& address = as_v6(storage).sin6_addr;
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
    ip.size = mapped ? 4 : 16;
    std::memcpy(ip.bytes, address.s6_addr + (mapped ? 12 : 0), ip.size);
  }
  return ip;
}

// Written for every request, and inet_ntop is slow: it prints.
std::string dotted(const IpBytes& v4) {
  std::array<char, INET_ADDRSTRLEN> text;
  char* next = text.data();
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *next++ = '.';
    next = std::to_chars(next, text.data() + text.size(), v4.bytes[i]).ptr;
  }
  return {text.data(), next};
}

std::string unix_path(const sockaddr_storage& storage, socklen_t length) {
  const auto& address = reinterpret_cast<const sockaddr_un&>(storage);
  const std::size_t header = offsetof(sockaddr_un, sun_path);
  if (length <= header) return {};  // a client's socket has no name
  return {address.sun_path, ::strnlen(address.sun_path, length - header)};
}

Result<Address> parse_unix(std::string_view text, std::string_view path) {
  sockaddr_un address{};
  if (!path.starts_with('/'))
    return failure("\"" + std::string(text) + "\": the path of a Unix socket must be absolute");
  if (path.size() >= sizeof address.sun_path || path.contains('\0')) {
    return failure("\"" + std::string(text) + "\": the path of a Unix socket has at most " +
                   std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  const std::size_t length = offsetof(sockaddr_un, sun_path) + path.size() + 1;
  return Address(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = text.size() <= 5 ? text::parse_decimal(text) : std::nullopt;
  if (!port || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

// Only the numeric form that inet_pton reads; as a string because it wants a terminator.
std::optional<IpBytes> parse_ip(const std::string& text) {
  IpBytes ip;
  ip.size = text.contains(':') ? 16 : 4;
  if (text.contains('\0') || ::inet_pton(ip.size == 16 ? AF_INET6 : AF_INET, text.c_str(), ip.bytes) != 1) {
    return std::nullopt;
  }
  return ip;
}

Address make_address(const IpBytes& ip, std::uint16_t port) {
  if (ip.size == 4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.bytes, 4);
    return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip.bytes, 16);
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t length)
    : length_(std::min(length, static_cast<socklen_t>(sizeof storage_))) {
  std::memcpy(&storage_, address, length_);
}

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text, text.substr(kUnixPrefix.size()));
  const auto wrong = [&](const char* why) { return failure("\"" + std::string(text) + "\": " + why); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("an address needs a port, as in \"127.0.0.1:8080\"");
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return wrong("the port must be a number from 0 to 65535");
  std::string host(text.substr(0, colon));
  if (host.empty()) return make_address({.bytes = {}, .size = 16}, *port);
  if (text::iequals(host, "localhost")) host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!host.contains(':')) return wrong("only an IPv6 address stands in brackets");
  } else if (host.contains(':')) {
    return wrong("an IPv6 address stands in brackets, as in \"[::1]:8080\"");
  }
  const auto ip = parse_ip(host);
  if (!ip) return wrong("not an IP address (names are not looked up here)");
  return make_address(*ip, *port);
}

Address Address::local_of(int fd) {
  Address address;
  socklen_t length = sizeof address.storage_;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &length) != 0) return {};
  address.length_ = std::min(length, static_cast<socklen_t>(sizeof address.storage_));
  return address;
}

bool Address::is_any() const {
  const IpBytes ip = ip_bytes(storage_);
  return ip.size > 0 && std::ranges::all_of(ip.bytes, [](std::uint8_t byte) { return byte == 0; });
}

bool Address::is_loopback() const {
  if (is_unix()) return true;
  const IpBytes ip = ip_bytes(storage_);
  if (ip.size == 4) return ip.bytes[0] == 127;
  return ip.size == 16 && IN6_IS_ADDR_LOOPBACK(&as_v6(storage_).sin6_addr);
}

std::uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(as_v4(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(as_v6(storage_).sin6_port);
  return 0;
}

void Address::set_port(std::uint16_t port) {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(storage_).sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = htons(port);
}

std::string Address::path() const {
  return unix_path(storage_, length_);
}

std::string Address::host() const {
  if (is_unix()) return std::string(kUnixPrefix) + path();
  const IpBytes ip = ip_bytes(storage_);
  if (ip.size == 4) return dotted(ip);
  char text[INET6_ADDRSTRLEN] = {};
  if (ip.size > 0) ::inet_ntop(AF_INET6, ip.bytes, text, sizeof text);
  return text;
}

std::string Address::to_string() const {
  std::string name = host();
  if (is_unix() || name.empty()) return name;
  const std::string port_text = ":" + std::to_string(port());
  return name.contains(':') ? "[" + name + "]" + port_text : name + port_text;
}

bool operator==(const Address& a, const Address& b) {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  if (a.is_unix()) return unix_path(a.storage_, a.length_) == unix_path(b.storage_, b.length_);
  if (a.family() == AF_INET6 && as_v6(a.storage_).sin6_scope_id != as_v6(b.storage_).sin6_scope_id) return false;
  const IpBytes ip_a = ip_bytes(a.storage_);
  const IpBytes ip_b = ip_bytes(b.storage_);
  return ip_a.size == ip_b.size && std::ranges::equal(ip_a.bytes, ip_b.bytes);
}

Result<AddressRange> AddressRange::parse(std::string_view text) {
  const auto wrong = [&](const char* why) { return failure("\"" + std::string(text) + "\": " + why); };
  AddressRange range;
  if (text == "unix") {
    range.family_ = AF_UNIX;
    return range;
  }
  const std::size_t slash = text.find('/');
  const auto ip = parse_ip(std::string(text.substr(0, slash)));
  if (!ip) return wrong("not an address range such as \"10.0.0.0/8\", \"::1\" or \"unix\"");
  const auto bits = static_cast<unsigned>(ip->size * 8);
  range.family_ = ip->size == 4 ? AF_INET : AF_INET6;
  range.prefix_ = bits;
  if (slash != std::string_view::npos) {
    const auto prefix = text::parse_decimal(text.substr(slash + 1));
    if (!prefix || *prefix > bits) return wrong("the prefix length is no number or too large for the address");
    range.prefix_ = static_cast<unsigned>(*prefix);
  }
  std::ranges::copy(ip->bytes, range.bytes_);
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (range.family_ == AF_INET6 && range.prefix_ >= 96 && std::equal(kMapped, kMapped + 12, range.bytes_)) {
    range.family_ = AF_INET;
    range.prefix_ -= 96;
    std::copy(range.bytes_ + 12, range.bytes_ + 16, range.bytes_);
  }
  return range;
}

std::string AddressRange::to_string() const {
  if (family_ == AF_UNIX) return "unix";
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family_, bytes_, text, sizeof text);
  return std::string(text) + "/" + std::to_string(prefix_);
}

bool AddressRange::contains(const Address& address) const {
  if (family_ == AF_UNIX) return address.is_unix();
  sockaddr_storage storage{};
  std::memcpy(&storage, address.data(), address.length());
  const IpBytes ip = ip_bytes(storage);
  if (ip.size != (family_ == AF_INET ? 4U : 16U)) return false;
  const std::size_t whole = prefix_ / 8;
  if (!std::equal(bytes_, bytes_ + whole, ip.bytes)) return false;
  const unsigned rest = prefix_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFFU << (8 - rest));
  return (bytes_[whole] & mask) == (ip.bytes[whole] & mask);
}

}  // namespace gatehouse
