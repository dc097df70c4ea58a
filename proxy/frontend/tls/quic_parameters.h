// What ngtcp2 does not look at in a client's transport parameters: that none comes twice (RFC 9000 section 7.4).
// Called by TlsContexts with the ClientHello, before anything is done with it; functions without state, any thread.
#pragma once

#include <cstdint>
#include <span>

#include <openssl/ssl.h>

namespace gatehouse::quic_parameters {

// `parameters` are the bytes of the extension. What is cut short repeats nothing: ngtcp2 refuses it.
bool has_duplicate(std::span<const std::uint8_t> parameters);

// Returns false if `ssl`, of a QUIC connection, has a ClientHello to be refused. ngtcp2 then ends the connection with
// TRANSPORT_PARAMETER_ERROR, whatever alert is sent. REQUIRES: called from the ClientHello callback
bool accept_hello(SSL* ssl);

}  // namespace gatehouse::quic_parameters
