#include "config/policy/url_prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <format>
#include <limits>
#include <optional>

#include "common/text.h"
#include "config/policy/request_forms.h"

namespace gatehouse {

namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::uint16_t default_port(bool secure) {
  return secure ? kHttpsPort : kHttpPort;
}

// The system's own form of an address, or nothing if it is none.
std::optional<std::string> address_of(int family, std::string_view text) {
  std::array<std::uint8_t, sizeof(in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> form{};
  if (::inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
  if (::inet_ntop(family, bytes.data(), form.data(), form.size()) == nullptr) return std::nullopt;
  return form.data();
}

// What looks like an IPv4 address to somebody: its last label is a number, or 0x and hexadecimal digits (the WHATWG URL
// Standard, "ends in a number"). A client would connect to that address, and not ask for a host of this name.
bool ends_in_number(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (std::ranges::all_of(last, text::is_digit)) return true;
  if (!last.starts_with("0x") && !last.starts_with("0X")) return false;
  last.remove_prefix(2);
  return std::ranges::all_of(last, [](char c) { return text::hex_value(c) >= 0; });
}

Result<> take_host(std::string_view text, UrlPrefix& prefix) {
  using enum UrlPrefix::Category;
  if (text == "+" || text == "*") {
    prefix.category = text == "+" ? kStrongWildcard : kWeakWildcard;
    return {};
  }
  if (text.starts_with('[')) {
    const auto address = address_of(AF_INET6, text.ends_with(']') ? text.substr(1, text.size() - 2) : "");
    if (!address) return failure("what is in brackets is no IPv6 address");
    prefix.category = kAddress;
    prefix.host = *address;
    return {};
  }
  if (const auto address = address_of(AF_INET, text)) {
    prefix.category = kAddress;
    prefix.host = *address;
    return {};
  }
  if (text.empty()) return failure(R"(it has no host; "+" or "*" stands for any)");
  if (text.contains('*')) return failure(R"(a "*" stands for the whole host or for nothing of it)");
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return failure("its host is not ASCII; write it in its \"xn--\" form");
  }
  if (text.ends_with('.')) return failure("its host ends in a dot; write it without");
  if (!is_host_name(text)) return failure("its host is no host name and no address");
  if (ends_in_number(text)) return failure("its host is no IPv4 address, but ends in a number as one does");
  prefix.host = text::lower(text);
  return {};
}

Result<std::uint16_t> port_of(std::string_view text) {
  const auto port = text::parse_decimal(text);
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max() || text.starts_with('0')) {
    return failure("its port is no number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(*port);
}

// "host", "host:port" or "[address]:port"
Result<> take_authority(std::string_view text, UrlPrefix& prefix) {
  if (text.contains('@')) return failure("it has a user, which no prefix has");
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (auto taken = take_host(text.substr(0, colon), prefix); !taken) return taken;
  prefix.port = default_port(prefix.secure);
  if (colon == std::string_view::npos) return {};
  const auto port = port_of(text.substr(colon + 1));
  if (!port) return std::unexpected(port.error());
  prefix.port = *port;
  return {};
}

Result<> take_path(std::string_view text, UrlPrefix& prefix) {
  if (text.find_first_of("?#") != std::string_view::npos) return failure("it has a query or a fragment");
  std::string_view path = text;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto canonical = canonical_path(path);
  if (!canonical) return std::unexpected(canonical.error());
  if (*canonical != path) {
    return failure(std::format(R"(its path is not the form that requests are matched in; write "{}")", *canonical));
  }
  prefix.path = *canonical;
  return {};
}

}  // namespace

Result<UrlPrefix> UrlPrefix::parse(std::string_view text) {
  if (text.size() > kLongest) return failure(std::format("it is longer than {} bytes", kLongest));
  const std::size_t colon = text.find("://");
  const std::string scheme = text::lower(text.substr(0, colon));
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return failure("it must begin with https:// or http://");
  }
  UrlPrefix prefix;
  prefix.secure = scheme == "https";
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = rest.find('/');
  if (auto taken = take_authority(rest.substr(0, slash), prefix); !taken) return std::unexpected(taken.error());
  if (slash == std::string_view::npos) return failure("it has no path; write a slash behind the host");
  if (auto taken = take_path(rest.substr(slash), prefix); !taken) return std::unexpected(taken.error());
  return prefix;
}

std::string UrlPrefix::to_string() const {
  std::string text = secure ? "https://" : "http://";
  switch (category) {
    case Category::kStrongWildcard:
      text += '+';
      break;
    case Category::kWeakWildcard:
      text += '*';
      break;
    case Category::kHost:
      text += host;
      break;
    case Category::kAddress:
      text += host.contains(':') ? std::format("[{}]", host) : host;
      break;
  }
  if (port != default_port(secure)) text += std::format(":{}", port);
  text += path;
  if (path != "/") text += '/';
  return text;
}

bool UrlPrefix::covers(const UrlPrefix& other) const {
  return secure == other.secure && category == other.category && host == other.host && port == other.port &&
         is_below(path, other.path);
}

bool UrlPrefix::is_whole_port() const {
  return category != Category::kHost && path == "/";
}

bool is_below(std::string_view prefix, std::string_view path) {
  if (prefix == "/") return true;
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace gatehouse
