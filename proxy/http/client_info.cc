#include "proxy/http/client_info.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <optional>

#include "common/text.h"

namespace gatehouse {
namespace {

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

}  // namespace

bool ListenerPolicy::trusts(const Address& address) const {
  return std::ranges::any_of(trusted_proxies, [&](const AddressRange& range) { return range.contains(address); });
}

std::shared_ptr<const Address> origin_said(const ClientInfo& client, const FieldList& fields) {
  constexpr int kMostHops = 32;
  if (!client.listener || !client.listener->trusts(client.address)) return nullptr;
  std::string all;
  for (const Field field : fields) {
    if (field.token != FieldName::kXForwardedFor) continue;
    if (!all.empty()) all += ',';
    all += field.value;
  }
  std::optional<Address> origin;
  std::string_view rest = all;
  for (int hop = 0; hop < kMostHops && !rest.empty(); ++hop) {
    const std::size_t comma = rest.rfind(',');
    const std::string_view element = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
    const std::optional<Address> said = hop_address(text::trim(element));
    if (!said) break;
    origin = *said;
    if (!client.listener->trusts(*said)) break;
  }
  return origin ? std::make_shared<const Address>(*origin) : nullptr;
}

}  // namespace gatehouse
