#include "proxy/http/client_info.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <optional>

#include "common/text.h"
#include "proxy/http/alt_svc_state.h"
#include "proxy/http/forwarded.h"

namespace gatehouse {
namespace {

using forwarded::is_quoted;
using forwarded::joined;
using forwarded::parameter;
using forwarded::take_last;

// One element of X-Forwarded-For: an IP address, with or without a port; nothing else ("unknown", names, zones).
std::optional<Address> hop_address(std::string_view element) {
  const bool is_v6_alone = element.find(':') != element.rfind(':') && !element.starts_with('[');
  if (element.empty() ||
      !(std::isdigit(static_cast<unsigned char>(element.front())) != 0 || is_v6_alone || element.starts_with('['))) {
    return std::nullopt;
  }
  std::string text = is_v6_alone ? std::format("[{}]", element) : std::string(element);
  const bool has_port = text.ends_with(']') ? false : text.find(':') != std::string::npos;
  if (!has_port) text += ":0";
  auto parsed = Address::parse(text);
  if (!parsed || parsed->is_unix()) return std::nullopt;
  return *parsed;
}

// The `for` of one element of Forwarded, if it is an address (RFC 7239 sections 4, 6): one of IPv6 has brackets, and
// whatever has brackets or a port has quotes. No address has a backslash, so that escapes need no reading.
std::optional<Address> node_address(std::string_view element) {
  std::optional<std::string_view> node = parameter(element, "for");
  if (!node) return std::nullopt;
  const bool quoted = is_quoted(*node);
  if (quoted) node = node->substr(1, node->size() - 2);
  const bool v6 = node->starts_with('[');
  const bool has_colon = node->contains(':');
  if ((has_colon && !quoted) || (has_colon && !v6 && node->find(':') != node->rfind(':'))) return std::nullopt;
  return hop_address(*node);
}

// From the last element to the first: each speaks for the one before it only if it is a trusted proxy's.
std::optional<Address> walked(std::string_view all, std::optional<Address> (*read)(std::string_view element),
                              const ListenerPolicy& listener) {
  constexpr int kMostHops = 32;
  std::optional<Address> origin;
  for (int hop = 0; hop < kMostHops && !all.empty(); ++hop) {
    const std::optional<Address> said = read(text::trim(take_last(all, ',')));
    if (!said) break;
    origin = said;
    if (!listener.trusts(*said)) break;
  }
  return origin;
}

}  // namespace

std::string_view ListenerPolicy::alt_svc_now() const {
  if (!alt_svc_state) return alt_svc;
  switch (alt_svc_state->standing()) {
    case AltSvcState::Standing::kUnproven:
      return {};
    case AltSvcState::Standing::kAdvertised:
      return alt_svc;
    case AltSvcState::Standing::kWithdrawn:
      break;
  }
  return AltSvcState::kClear;
}

bool ListenerPolicy::trusts(const Address& peer) const {
  return std::ranges::any_of(trusted_proxies, [&](const AddressRange& range) { return range.contains(peer); });
}

std::shared_ptr<const Address> origin_said(const ClientInfo& client, const FieldList& fields) {
  if (!client.listener || !client.listener->trusts(client.address)) return nullptr;
  std::optional<Address> origin;
  switch (client.listener->client_address) {
    case ClientAddress::kXForwardedFor:
      origin = walked(joined(fields, FieldName::kXForwardedFor), hop_address, *client.listener);
      break;
    case ClientAddress::kForwarded:
      origin = walked(joined(fields, FieldName::kForwarded), node_address, *client.listener);
      break;
    case ClientAddress::kXRealIp:
      if (fields.count(FieldName::kXRealIp) == 1) origin = hop_address(*fields.find(FieldName::kXRealIp));
      break;
  }
  return origin ? std::make_shared<const Address>(*origin) : nullptr;
}

}  // namespace gatehouse
