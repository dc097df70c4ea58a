#include "proxy/upstream/endpoint_stream.h"

#include <algorithm>
#include <string_view>

#include "common/buffer.h"
#include "common/crypto/tls_server.h"

namespace gatehouse {

bool EndpointStream::refused_us() const {
  return tls_ && TlsServer::refused_us(*tls_);
}

// A copy of what TLS takes at once: the bytes themselves stay where they are until they were taken.
IoResult EndpointStream::encrypt(std::span<const iovec> parts) {
  constexpr std::size_t kAtOnce = 64UL * 1024;
  Buffer copied;
  for (const iovec& part : parts) {
    const std::size_t size = std::min(part.iov_len, kAtOnce - copied.size());
    if (size > 0) copied.append(std::string_view(static_cast<const char*>(part.iov_base), size));
  }
  return tls_->write(copied);
}

}  // namespace gatehouse
