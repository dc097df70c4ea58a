#include "proxy/upstream/introduction.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <format>
#include <string_view>

namespace gatehouse::introduction {

namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kV4Size = sizeof(in_addr);
constexpr std::size_t kV6Size = sizeof(in6_addr);
constexpr std::size_t kMappedPrefix = kV6Size - kV4Size;

enum class Command : std::uint8_t { kLocal = 0x20, kProxy = 0x21 };
enum class Kind : std::uint8_t { kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21 };

// An address of IPv6, or the v4-mapped form of one of IPv4. Zeros: neither.
struct Host {
  std::array<std::uint8_t, kV6Size> bytes{};
  bool known = false;

  bool is_v4() const { return IN6_IS_ADDR_V4MAPPED(reinterpret_cast<const in6_addr*>(bytes.data())); }
  std::string_view as(Kind kind) const {
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return kind == Kind::kTcp4 ? all.substr(kMappedPrefix) : all;
  }
};

Host host_of(const Address& address) {
  Host host;
  if (address.family() == AF_INET6) {
    const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.data());
    std::ranges::copy(v6.sin6_addr.s6_addr, host.bytes.begin());
    host.known = true;
  } else if (address.family() == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.data());
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
    host.bytes[kMappedPrefix - 2] = host.bytes[kMappedPrefix - 1] = 0xff;
    std::copy_n(bytes, kV4Size, host.bytes.begin() + kMappedPrefix);
    host.known = true;
  }
  return host;
}

std::string text_of(const Host& host, Kind kind) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = kind == Kind::kTcp4 ? AF_INET : AF_INET6;
  return ::inet_ntop(family, host.as(kind).data(), text.data(), text.size());
}

std::string in_network_order(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xffU)};
}

std::string binary(Command command, Kind kind, std::string_view addresses = {}) {
  std::string out(kSignature);
  out += static_cast<char>(command);
  out += static_cast<char>(kind);
  out += in_network_order(addresses.size());
  out += addresses;
  return out;
}

constexpr std::string_view kUnknownLine = "PROXY UNKNOWN\r\n";

}  // namespace

std::string of_client(SendProxyProtocol version, const Address& source, const Address& destination) {
  if (version == SendProxyProtocol::kOff) return {};
  const bool text = version == SendProxyProtocol::kV1;
  const Host from = host_of(source);
  if (!from.known) return text ? std::string(kUnknownLine) : binary(Command::kProxy, Kind::kUnspecified);
  const Host to = host_of(destination);
  const Kind kind = from.is_v4() && (!to.known || to.is_v4()) ? Kind::kTcp4 : Kind::kTcp6;
  if (text) {
    return std::format("PROXY {} {} {} {} {}\r\n", kind == Kind::kTcp4 ? "TCP4" : "TCP6", text_of(from, kind),
                       text_of(to, kind), source.port(), destination.port());
  }
  return binary(Command::kProxy, kind,
                std::string(from.as(kind)) + std::string(to.as(kind)) + in_network_order(source.port()) +
                    in_network_order(destination.port()));
}

std::string of_ourselves(SendProxyProtocol version) {
  if (version == SendProxyProtocol::kOff) return {};
  return version == SendProxyProtocol::kV1 ? std::string(kUnknownLine) : binary(Command::kLocal, Kind::kUnspecified);
}

}  // namespace gatehouse::introduction
