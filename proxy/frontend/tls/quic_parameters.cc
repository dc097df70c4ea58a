#include "proxy/frontend/tls/quic_parameters.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <ngtcp2/ngtcp2_crypto.h>

namespace gatehouse::quic_parameters {

namespace {

constexpr unsigned kExtension = 0x39;  // RFC 9001 section 8.2

// RFC 9000 section 16.
std::optional<std::uint64_t> take_integer(std::span<const std::uint8_t>& bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::size_t size = std::size_t{1} << (bytes[0] >> 6U);
  if (size > bytes.size()) return std::nullopt;
  std::uint64_t value = bytes[0] & 0x3fU;
  for (const std::uint8_t byte : bytes.subspan(1, size - 1)) value = value << 8U | byte;
  bytes = bytes.subspan(size);
  return value;
}

}  // namespace

bool has_duplicate(std::span<const std::uint8_t> parameters) {
  std::vector<std::uint64_t> ids;
  while (!parameters.empty()) {
    const auto id = take_integer(parameters);
    const auto size = id ? take_integer(parameters) : std::nullopt;
    if (!size || *size > parameters.size()) break;
    ids.push_back(*id);
    parameters = parameters.subspan(static_cast<std::size_t>(*size));
  }
  std::ranges::sort(ids);
  return std::ranges::adjacent_find(ids) != ids.end();
}

bool accept_hello(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, kExtension, &bytes, &size) != 1 || !has_duplicate({bytes, size})) return true;
  auto* const reference = static_cast<ngtcp2_crypto_conn_ref*>(SSL_get_app_data(ssl));
  if (reference != nullptr) ngtcp2_conn_set_tls_error(reference->get_conn(reference), NGTCP2_ERR_TRANSPORT_PARAM);
  return false;
}

}  // namespace gatehouse::quic_parameters
