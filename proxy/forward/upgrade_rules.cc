#include "proxy/forward/upgrade_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/text.h"

namespace gatehouse {

namespace {

// RFC 6455 section 1.3
constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

}  // namespace

std::string_view allowed_upgrade(const RequestHead& head, const Route& route) {
  return std::ranges::contains(route.upgrade, head.upgrade) ? std::string_view(head.upgrade) : std::string_view();
}

void complete_handshake(RequestHead& head) {
  if (!is_binary(head.protocol) || !head.asks_for_websocket()) return;
  std::array<std::uint8_t, 16> key;
  random::fill_secure(key);
  head.fields.set(FieldName::kSecWebSocketKey, text::base64({reinterpret_cast<const char*>(key.data()), key.size()}));
}

bool is_accepted(const RequestHead& request, ResponseHead& response) {
  const FieldList& fields = response.fields;
  if (fields.count(FieldName::kUpgrade) != 1 || !text::iequals(*fields.find(FieldName::kUpgrade), request.upgrade))
    return false;
  if (!request.asks_for_websocket()) return true;
  const auto key = request.fields.find(FieldName::kSecWebSocketKey);
  if (!key || fields.count(FieldName::kSecWebSocketAccept) != 1) return false;
  const std::string proof = text::base64(digest::sha1(std::string(*key).append(kKeySuffix)));
  if (fields.find(FieldName::kSecWebSocketAccept) != proof) return false;
  if (is_binary(request.protocol)) response.fields.remove(FieldName::kSecWebSocketAccept);
  return true;
}

}  // namespace gatehouse
