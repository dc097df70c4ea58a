// What is told of a connection with TLS to everybody who does not know TLS. Made once per connection, when its
// handshake is done or early data has come: for that the client's certificate is put into the form that endpoints get.
#pragma once

#include <memory>

#include "common/crypto/tls_stream.h"
#include "proxy/http/client_info.h"

namespace gatehouse {

// REQUIRES: the handshake is done, or has got as far as early data, which no client that shows a certificate sends
std::shared_ptr<const TlsSummary> tls_summary(const SSL* ssl);

}  // namespace gatehouse
