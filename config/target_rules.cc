#include "config/target_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <format>

#include "common/text.h"
#include "config/quoting.h"
#include "config/route_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLongestTargetName = 64;
constexpr std::uint64_t kHighestPort = 65535;

// The last label of a name is never a number (RFC 3696 section 2), so that "10.0.0.256" is a mistyped address. The dot
// at the end, if there is one, keeps the resolver from trying search domains.
bool is_dns_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !std::ranges::all_of(last, text::is_digit) && is_host_name(name);
}

Result<std::variant<Address, DnsName>> parse_service(std::string_view text) {
  const bool has_protocol = text.contains("._tcp.");
  if (!is_dns_name(text) || !has_protocol) {
    return failure(std::format("{} is no service name; write it as in \"_http._tcp.shop.internal\", without a port",
                               in_quotes(text)));
  }
  return DnsName{.name = text::lower(text), .port = 0};
}

}  // namespace

bool is_target_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestTargetName && std::ranges::all_of(name, [](char c) {
    return text::is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

Result<std::variant<Address, DnsName>> parse_endpoint(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    return failure(
        std::format("an endpoint is an address without a scheme; write {}", in_quotes(text.substr(scheme + 3))));
  }
  if (text.starts_with('_')) return parse_service(text);
  const auto address = Address::parse(text);
  if (address && (address->is_unix() || (!address->is_any() && address->port() != 0))) return *address;
  if (address) {
    return failure(std::format(
        "{} is no endpoint: it needs the address of a host and a port, such as \"127.0.0.1:5000\"", in_quotes(text)));
  }
  const std::size_t colon = text.rfind(':');
  const bool is_address = text.starts_with("unix:") || text.starts_with('[') || text.find(':') != colon;
  if (is_address || colon == std::string_view::npos) {
    return failure(std::format("\"endpoints\": {}", address.error().message));
  }
  if (!is_dns_name(text.substr(0, colon))) {
    return failure(std::format("{} is no endpoint: {} is neither an IP address nor a name", in_quotes(text),
                               in_quotes(text.substr(0, colon))));
  }
  const auto port = text::parse_decimal(text.substr(colon + 1));
  if (!port || *port == 0 || *port > kHighestPort) {
    return failure(std::format("{} needs a port from 1 to {}, as in {}", in_quotes(text), kHighestPort,
                               in_quotes(std::string(text.substr(0, colon)) + ":5000")));
  }
  return DnsName{.name = text::lower(text.substr(0, colon)), .port = static_cast<std::uint16_t>(*port)};
}

std::string endpoint_text(const DnsName& name) {
  return name.port == 0 ? name.name : std::format("{}:{}", name.name, name.port);
}

std::string endpoint_text(const std::variant<Address, DnsName>& endpoint) {
  if (const auto* const address = std::get_if<Address>(&endpoint); address != nullptr) return address->to_string();
  return endpoint_text(std::get<DnsName>(endpoint));
}

Result<> check_request_path(std::string_view path) {
  const auto is_fine = [](char c) { return c > ' ' && c < '\x7F' && c != '#'; };
  if (path.starts_with('/') && !path.starts_with("//") && std::ranges::all_of(path, is_fine)) return {};
  return failure(std::format("{} is no path to ask for; write one such as \"/healthz\"", in_quotes(path)));
}

bool is_environment_name(std::string_view name) {
  return !name.empty() && name.find_first_of(std::string_view("=\0", 2)) == std::string_view::npos;
}

}  // namespace gatehouse::config
