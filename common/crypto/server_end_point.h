// What a client and a server know alike of the server's certificate, so that what the client says on this connection is
// worth nothing on another one: tls-server-end-point (RFC 5929 section 4). Pure, any thread.
#pragma once

#include <string>

#include <openssl/ssl.h>

namespace gatehouse::server_end_point {

// Returns the digest of the certificate that a server's connection has shown: by the hash of its signature, but SHA-256
// in place of MD5 and SHA-1. Empty where there is no such hash (Ed25519, for one), for which RFC 5929 says nothing.
std::string of(const SSL* ssl);
std::string of(const X509* certificate);

}  // namespace gatehouse::server_end_point
