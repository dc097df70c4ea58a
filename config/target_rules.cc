#include "config/target_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <format>

#include "common/text.h"
#include "config/policy/request_forms.h"
#include "config/quoting.h"
#include "config/route_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLongestTargetName = 64;
constexpr std::uint64_t kHighestPort = 65535;
constexpr std::string_view kLocalhost = "localhost";

// The last label of a name is never a number (RFC 3696 section 2), so that "10.0.0.256" is a mistyped address. The dot
// at the end, if there is one, keeps the resolver from trying search domains.
bool is_dns_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !std::ranges::all_of(last, text::is_digit) && is_host_name(name);
}

// Of "host:port", in lower case, without brackets.
std::string host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return text::lower(host);
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

Result<Endpoint> parse_endpoint_url(std::string_view text) {
  constexpr std::string_view kMark = "://";
  const std::size_t mark = text.find(kMark);
  Endpoint endpoint;
  if (mark == std::string_view::npos) {
    auto at = parse_endpoint(text);
    if (!at) return std::unexpected(std::move(at.error()));
    endpoint.at = *std::move(at);
    endpoint.localhost = host_of(text) == kLocalhost;
    return endpoint;
  }
  const std::string scheme = text::lower(text.substr(0, mark));
  const bool tls = scheme == "https";
  std::string address(text.substr(mark + kMark.size()));
  if (!tls && scheme != "http") {
    return failure(std::format("{} is no endpoint: it is an address, or one with \"http://\" or \"https://\" before it",
                               in_quotes(text)));
  }
  if (address.starts_with("unix:")) {
    if (tls) return failure(std::format("{}: a Unix socket is spoken to without TLS", in_quotes(text)));
    return failure(std::format("{} is no endpoint; write {}", in_quotes(text), in_quotes(address)));
  }
  if (address.ends_with('/')) address.pop_back();
  if (address.contains('/')) return failure(std::format("{} is no endpoint: it has a path", in_quotes(text)));
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && !address.substr(colon).contains(']');
  const bool is_service = address.starts_with('_');
  if (!has_port && !is_service) address += tls ? ":443" : ":80";
  auto at = parse_endpoint(address);
  if (!at) return std::unexpected(std::move(at.error()));
  endpoint.at = *std::move(at);
  endpoint.localhost = host_of(address) == kLocalhost;
  if (tls) endpoint.tls_host = is_service ? text::lower(address) : host_of(address);
  return endpoint;
}

std::optional<EndpointBelow> split_endpoint(std::string_view text) {
  if (text.starts_with("unix:")) return std::nullopt;
  const std::size_t mark = text.find("://");
  const std::size_t slash = text.find('/', mark == std::string_view::npos ? 0 : mark + 3);
  if (slash == std::string_view::npos || slash + 1 == text.size()) return std::nullopt;
  EndpointBelow below{.endpoint = std::string(text.substr(0, slash)), .path = std::string(text.substr(slash))};
  if (below.path.ends_with('/')) below.path.pop_back();
  if (!parse_endpoint_url(below.endpoint)) return std::nullopt;
  return below;
}

std::string endpoint_text(const Endpoint& endpoint) {
  if (endpoint.tls_host.empty() && endpoint.localhost) {
    return std::format("{}:{}", kLocalhost, std::get<Address>(endpoint.at).port());
  }
  if (endpoint.tls_host.empty()) return endpoint_text(endpoint.at);
  const auto* const name = std::get_if<DnsName>(&endpoint.at);
  const std::uint16_t port = name != nullptr ? name->port : std::get<Address>(endpoint.at).port();
  if (port == 0) return "https://" + endpoint.tls_host;
  const bool brackets = endpoint.tls_host.contains(':');
  return std::format("https://{}{}{}:{}", brackets ? "[" : "", endpoint.tls_host, brackets ? "]" : "", port);
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
