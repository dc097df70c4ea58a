#include "proxy/forward/affinity.h"

#include <netinet/in.h>

#include <cstring>

#include "common/text.h"
#include "proxy/upstream/hashing.h"

namespace gatehouse::affinity {

namespace {

// Unix clients have no address that tells them apart.
std::optional<std::uint64_t> key_of(const Address& address) {
  const auto hash = [](const void* bytes, std::size_t size) {
    return hashing::of(std::string_view(static_cast<const char*>(bytes), size));
  };
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address.data(), sizeof(v4));
    return hash(&v4.sin_addr, sizeof(v4.sin_addr));
  }
  if (address.family() != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address.data(), sizeof(v6));
  constexpr std::size_t kMappedPrefix = 12;
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return hash(v6.sin6_addr.s6_addr + kMappedPrefix, 4);
  return hash(&v6.sin6_addr, sizeof(v6.sin6_addr));
}

std::optional<std::uint64_t> key_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return hashing::of(text);
}

}  // namespace

std::optional<std::uint64_t> key(const RequestHead& head, const ClientInfo& client, const UpstreamOptions& options) {
  if (options.balance != Balance::kHash) return std::nullopt;
  switch (options.hash_on) {
    case HashOn::kClientAddress:
      return key_of(client.origin());
    case HashOn::kHeader:
      return key_of(head.fields.find(options.hash_name).value_or(""));
    case HashOn::kCookie:
      return key_of(cookie(head.fields, options.hash_name));
    case HashOn::kPath:
      return key_of(head.canonical_path());
  }
  return std::nullopt;
}

std::string_view cookie(const FieldList& fields, std::string_view name) {
  std::string_view rest = fields.find(FieldName::kCookie).value_or("");
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    const std::string_view pair = text::trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

std::string set_cookie(std::string_view name, std::string_view value, bool secure) {
  std::string text(name);
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Lax");
  if (secure) text.append("; Secure");
  return text;
}

}  // namespace gatehouse::affinity
