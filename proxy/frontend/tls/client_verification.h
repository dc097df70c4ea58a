// Clients that show a certificate: how they are asked, what is verified, and what is known of it on later connections,
// which resume a session and show nothing. Functions without state; any thread.
//
//   full handshake --> chain verified up to an anchor --> ticket: certificate, issuers, how long all of them are valid
//   resumption     <-- still valid? else a full handshake <-- ticket
//
// A ticket is good only for the policy() under which it was issued.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "common/crypto/trust_anchors.h"
#include "common/result.h"
#include "config/policy/listeners.h"

namespace gatehouse::client_verification {

// Of the certificates that a client sends, and of those that are told of, all together. Their base64 in Client-Cert,
// Client-Cert-Chain and the header of the ASP.NET Core Module stays below the 32 KiB that Kestrel allows for a head.
inline constexpr std::size_t kMostBytes = 10 * 1024UL;
// Certificates between the client's and an anchor.
inline constexpr int kMostIssuers = 4;

// Has handshakes of `context` ask for a certificate, with the names of the anchors, and verify it: the chain, its
// dates, and that it is for clients. Fails if the names do not fit into a handshake. REQUIRES: `auth` is not kNone
Result<> ask(SSL_CTX* context, ClientAuth auth, const TrustAnchors& anchors);

// Text that differs where one policy lets in whom another does not. `anchors` may be null with kNone.
std::string policy(ClientAuth auth, const TrustAnchors* anchors);

// What a client has shown, once the handshake is done, or had in the session that it resumes: DER of the certificate,
// then of its issuers, without the anchor. Empty: nothing that was verified.
std::vector<std::string> shown(const SSL* ssl);
// RFC 4514, or the first alternative name of a certificate without a subject; 256 bytes of it at most. Empty: nothing
// was shown.
std::string subject(const SSL* ssl);

// Why OpenSSL has refused the client's certificate: "certificate has expired". Empty: it has not.
std::string refusal(const SSL* ssl);

}  // namespace gatehouse::client_verification
