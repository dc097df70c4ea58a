#include "proxy/http/field_list.h"

#include <array>
#include <cassert>
#include <cstring>
#include <limits>

#include "common/text.h"

namespace gatehouse {

namespace {

struct NameTexts {
  FieldName name;
  std::string_view canonical;
  std::string_view lower;
};

// In the order of the enumerators.
constexpr std::array kNames = std::to_array<NameTexts>({
    {FieldName::kAccept, "Accept", "accept"},
    {FieldName::kAcceptEncoding, "Accept-Encoding", "accept-encoding"},
    {FieldName::kAltSvc, "Alt-Svc", "alt-svc"},
    {FieldName::kAuthorization, "Authorization", "authorization"},
    {FieldName::kCacheControl, "Cache-Control", "cache-control"},
    {FieldName::kClientCert, "Client-Cert", "client-cert"},
    {FieldName::kClientCertChain, "Client-Cert-Chain", "client-cert-chain"},
    {FieldName::kConnection, "Connection", "connection"},
    {FieldName::kContentLength, "Content-Length", "content-length"},
    {FieldName::kContentType, "Content-Type", "content-type"},
    {FieldName::kCookie, "Cookie", "cookie"},
    {FieldName::kDate, "Date", "date"},
    {FieldName::kEarlyData, "Early-Data", "early-data"},
    {FieldName::kExpect, "Expect", "expect"},
    {FieldName::kForwarded, "Forwarded", "forwarded"},
    {FieldName::kGrpcStatus, "grpc-status", "grpc-status"},
    {FieldName::kGrpcTimeout, "grpc-timeout", "grpc-timeout"},
    {FieldName::kHost, "Host", "host"},
    {FieldName::kHttp2Settings, "HTTP2-Settings", "http2-settings"},
    {FieldName::kKeepAlive, "Keep-Alive", "keep-alive"},
    {FieldName::kLink, "Link", "link"},
    {FieldName::kLocation, "Location", "location"},
    {FieldName::kMaxForwards, "Max-Forwards", "max-forwards"},
    {FieldName::kOrigin, "Origin", "origin"},
    {FieldName::kPersistentAuth, "Persistent-Auth", "persistent-auth"},
    {FieldName::kPriority, "Priority", "priority"},
    {FieldName::kProxyAuthenticate, "Proxy-Authenticate", "proxy-authenticate"},
    {FieldName::kProxyAuthorization, "Proxy-Authorization", "proxy-authorization"},
    {FieldName::kProxyConnection, "Proxy-Connection", "proxy-connection"},
    {FieldName::kProxyStatus, "Proxy-Status", "proxy-status"},
    {FieldName::kReferer, "Referer", "referer"},
    {FieldName::kRetryAfter, "Retry-After", "retry-after"},
    {FieldName::kSecWebSocketAccept, "Sec-WebSocket-Accept", "sec-websocket-accept"},
    {FieldName::kSecWebSocketKey, "Sec-WebSocket-Key", "sec-websocket-key"},
    {FieldName::kSecWebSocketVersion, "Sec-WebSocket-Version", "sec-websocket-version"},
    {FieldName::kServer, "Server", "server"},
    {FieldName::kSetCookie, "Set-Cookie", "set-cookie"},
    {FieldName::kTe, "TE", "te"},
    {FieldName::kTraceparent, "traceparent", "traceparent"},
    {FieldName::kTrailer, "Trailer", "trailer"},
    {FieldName::kTransferEncoding, "Transfer-Encoding", "transfer-encoding"},
    {FieldName::kTrueClientIp, "True-Client-IP", "true-client-ip"},
    {FieldName::kUpgrade, "Upgrade", "upgrade"},
    {FieldName::kUserAgent, "User-Agent", "user-agent"},
    {FieldName::kVia, "Via", "via"},
    {FieldName::kWwwAuthenticate, "WWW-Authenticate", "www-authenticate"},
    {FieldName::kXAccelRedirect, "X-Accel-Redirect", "x-accel-redirect"},
    {FieldName::kXDelegateHeaders, "X-Delegate-Headers", "x-delegate-headers"},
    {FieldName::kXDelegateTo, "X-Delegate-To", "x-delegate-to"},
    {FieldName::kXForwardedFor, "X-Forwarded-For", "x-forwarded-for"},
    {FieldName::kXForwardedHost, "X-Forwarded-Host", "x-forwarded-host"},
    {FieldName::kXForwardedPort, "X-Forwarded-Port", "x-forwarded-port"},
    {FieldName::kXForwardedPrefix, "X-Forwarded-Prefix", "x-forwarded-prefix"},
    {FieldName::kXForwardedProto, "X-Forwarded-Proto", "x-forwarded-proto"},
    {FieldName::kXRealIp, "X-Real-IP", "x-real-ip"},
    {FieldName::kXRequestId, "X-Request-Id", "x-request-id"},
    {FieldName::kXResetCode, "X-Reset-Code", "x-reset-code"},
    {FieldName::kXSendfile, "X-Sendfile", "x-sendfile"},
});
static_assert(kNames.size() == static_cast<std::size_t>(FieldName::kXSendfile));
static_assert([] {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (static_cast<std::size_t>(kNames[i].name) != i + 1 || kNames[i].canonical.size() != kNames[i].lower.size())
      return false;
  }
  return true;
}());

constexpr const NameTexts& texts(FieldName name) {
  return kNames[static_cast<std::size_t>(name) - 1];
}

// A perfect hash over the length and three characters; the compiler searches the multiplier.
constexpr std::size_t kSlots = 512;
constexpr std::size_t kShortest = 2;
constexpr std::size_t kLongest = 21;

constexpr std::uint32_t slot_of(std::string_view name, std::uint32_t multiplier) {
  const auto at = [&](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(name[index]) | 0x20U);
  };
  const std::uint32_t fourth_last = name.size() >= 4 ? at(name.size() - 4) : 0;
  const std::uint32_t key =
      static_cast<std::uint32_t>(name.size()) | at(0) << 6 | at(name.size() - 1) << 14 | fourth_last << 22;
  return (key * multiplier) >> 23;
}
static_assert((~std::uint32_t{0} >> 23) + 1 == kSlots);

struct NameTable {
  std::uint32_t multiplier = 0;
  std::array<FieldName, kSlots> slots{};
};

consteval NameTable make_name_table() {
  for (std::uint32_t multiplier = 0x9e3779b1;; multiplier += 2) {
    NameTable table{.multiplier = multiplier};
    bool collides = false;
    for (const NameTexts& each : kNames) {
      FieldName& slot = table.slots[slot_of(each.lower, multiplier)];
      collides = collides || slot != FieldName::kOther;
      slot = each.name;
    }
    if (!collides) return table;
  }
}
constexpr NameTable kTable = make_name_table();

static_assert([] {
  for (const NameTexts& each : kNames) {
    if (each.lower.size() < kShortest || each.lower.size() > kLongest) return false;
  }
  return true;
}());

constexpr std::uint32_t kFirstBlock = 1024;

}  // namespace

FieldName field_name(std::string_view name) {
  if (name.size() < kShortest || name.size() > kLongest) return FieldName::kOther;
  const FieldName candidate = kTable.slots[slot_of(name, kTable.multiplier)];
  if (candidate == FieldName::kOther || !text::iequals(texts(candidate).lower, name)) return FieldName::kOther;
  return candidate;
}

std::string_view canonical_text(FieldName name) {
  assert(name != FieldName::kOther);
  return texts(name).canonical;
}

std::string_view lower_text(FieldName name) {
  assert(name != FieldName::kOther);
  return texts(name).lower;
}

FieldList FieldList::clone() const {
  FieldList copy;
  for (const Field field : *this) copy.append(field.id, field.name, field.value);
  return copy;
}

std::unique_ptr<std::byte[]> FieldList::make_room(std::size_t bytes, std::size_t new_entries) {
  const std::size_t needed = (use_.count + new_entries) * sizeof(Entry) + use_.bytes + bytes;
  std::size_t capacity = use_.capacity == 0 ? kFirstBlock : use_.capacity;
  while (capacity < needed) capacity *= 2;
  assert(capacity <= std::numeric_limits<std::uint32_t>::max());
  auto block = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (block_) {
    std::memcpy(block.get(), block_.get(), use_.count * sizeof(Entry));
    std::memcpy(block.get() + (capacity - use_.bytes), block_.get() + (use_.capacity - use_.bytes), use_.bytes);
  }
  use_.capacity = static_cast<std::uint32_t>(capacity);
  return std::exchange(block_, std::move(block));
}

void FieldList::add(std::string_view name, std::string_view value) {
  append(field_name(name), name, value);
}

void FieldList::add(FieldName name, std::string_view value) {
  append(name, canonical_text(name), value);
}

void FieldList::replace_value(std::size_t index, std::string_view value) {
  Entry entry = entries()[index];
  use_.section_size -= section_size_of(entry);
  std::unique_ptr<std::byte[]> old;
  if (value.size() > entry.value_size) {
    const std::size_t size = entry.name_size + value.size();
    if (!has_room(size, 0)) old = make_room(size, 0);
    char* const room = take_room(size);
    if (entry.name_size != 0) std::memcpy(room, bytes_of(entry), entry.name_size);
    std::memcpy(room + entry.name_size, value.data(), value.size());
    entry.distance = use_.bytes;
  } else if (!value.empty()) {
    std::memmove(bytes_of(entry) + entry.name_size, value.data(), value.size());
  }
  entry.value_size = static_cast<std::uint32_t>(value.size());
  entries()[index] = entry;
  use_.section_size += section_size_of(entry);
}

namespace {

// Whether `field` is the one that `id` and `name` mean.
bool matches(const Field& field, FieldName id, std::string_view name) {
  return field.id == id && (id != FieldName::kOther || text::iequals(field.name, name));
}

}  // namespace

void FieldList::set(FieldName name, std::string_view value) {
  if (!may_have(name)) return append(name, canonical_text(name), value);
  std::size_t first = 0;
  while (first < use_.count && entries()[first].id != name) ++first;
  if (first == use_.count) return append(name, canonical_text(name), value);
  replace_value(first, value);
  bool seen = false;
  remove_if([&](const Field& field) { return field.id == name && std::exchange(seen, true); });
}

void FieldList::set(std::string_view name, std::string_view value) {
  const FieldName id = field_name(name);
  if (!may_have(id)) return append(id, name, value);
  std::size_t first = 0;
  while (first < use_.count && !matches(at(first), id, name)) ++first;
  if (first == use_.count) return append(id, name, value);
  replace_value(first, value);
  bool seen = false;
  remove_if([&](const Field& field) { return matches(field, id, name) && std::exchange(seen, true); });
}

std::size_t FieldList::remove(FieldName name) {
  if (!may_have(name)) return 0;
  const std::size_t before = use_.count;
  remove_if([name](const Field& field) { return field.id == name; });
  return before - use_.count;
}

std::size_t FieldList::remove(std::string_view name) {
  const std::size_t before = use_.count;
  const FieldName id = field_name(name);
  if (!may_have(id)) return 0;
  remove_if([&](const Field& field) { return matches(field, id, name); });
  return before - use_.count;
}

std::optional<std::string_view> FieldList::find(FieldName name) const {
  if (!may_have(name)) return std::nullopt;
  for (std::uint32_t i = 0; i < use_.count; ++i) {
    if (entries()[i].id == name) return at(i).value;
  }
  return std::nullopt;
}

std::optional<std::string_view> FieldList::find(std::string_view name) const {
  const FieldName id = field_name(name);
  if (id != FieldName::kOther) return find(id);
  for (const Field field : *this) {
    if (matches(field, id, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t FieldList::count(FieldName name) const {
  if (!may_have(name)) return 0;
  std::size_t found = 0;
  for (std::uint32_t i = 0; i < use_.count; ++i) found += entries()[i].id == name ? 1U : 0U;
  return found;
}

void FieldList::clear() {
  use_ = {.capacity = use_.capacity};
}

}  // namespace gatehouse
