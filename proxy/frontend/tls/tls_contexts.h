// The TLS side of one listener: its certificates by server name, and the rules of every handshake. Immutable, shared
// by all workers and part of a snapshot; any thread. Whoever holds an SSL from here also holds the contexts
// (shared_ptr) until the SSL is gone.
//
//   server name --exact, wildcard, or the first--> identity: one certificate per key type --+--> SSL_CTX for TCP
//                                                                                           +--> SSL_CTX for QUIC
//
// Tickets are bound to the identity: one that was issued for another set of names starts a full handshake. So does
// one that was issued on TCP and comes by QUIC, or the other way round.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "common/crypto/certificate.h"
#include "common/crypto/tls_stream.h"
#include "common/result.h"
#include "config/policy/listeners.h"
#include "proxy/frontend/tls/ticket_keys.h"

namespace gatehouse {

struct TlsOptions {
  // Not empty; the first serves unknown names. Where several have a name, the first of each key type serves it.
  std::vector<std::shared_ptr<const Certificate>> certificates;
  UnknownSni unknown_sni = UnknownSni::kDefault;
  TlsVersion min_version = TlsVersion::kTls12;
  // Null: no tickets, no resumption.
  std::shared_ptr<TicketKeys> ticket_keys;
  // What ALPN may choose on TCP; HTTP/2 is preferred where both sides have it.
  bool speaks_h1 = true;
  bool speaks_h2 = true;
};

class TlsContexts {
  struct Private {};

 public:
  // For make().
  TlsContexts(Private /*only_make_makes_one*/, TlsOptions options);
  // Fails without a certificate, or if OpenSSL refuses one; the error names its file.
  static Result<std::shared_ptr<const TlsContexts>> make(TlsOptions options);

  // Returns a server's SSL for TCP that is not connected to anything; null only if memory is short. TLS 1.2 or 1.3,
  // ALPN as the listener speaks.
  TlsStream::SslPtr new_ssl() const;
  // Likewise for QUIC: TLS 1.3 only, ALPN h3, no early data.
  TlsStream::SslPtr new_quic_ssl() const;

  // Returns whether a request came to the wrong place (RFC 9110 section 7.4): the client asked for `server_name`, its
  // request is for `host`, and it should have asked for another certificate of this listener. Both in lower case;
  // false where no name was sent.
  bool misdirected(std::string_view server_name, std::string_view host) const;

  const std::vector<std::shared_ptr<const Certificate>>& certificates() const { return options_.certificates; }

  // Returns what a client that asks for `server_name` (lower case; empty: it sends none) is served: one certificate
  // per key type; none if the handshake is refused.
  std::vector<std::shared_ptr<const Certificate>> served_to(std::string_view server_name) const;

 private:
  struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;
  // What is served under a name.
  struct Identity {
    // Indexes, one per key type.
    std::vector<std::size_t> certificates;
    ContextPtr tcp;
    ContextPtr quic;
  };
  enum class Transport { kTcp, kQuic };
  // What OpenSSL calls.
  struct Callbacks;

  Result<> add_identities();
  // Returns the index of the identity that serves `name`, and makes it if no other name has had the same
  // certificates.
  Result<std::size_t> identity_of(const std::string& name);
  Result<ContextPtr> make_context(const std::vector<std::size_t>& certificates, Transport transport) const;
  void bind_sessions(SSL_CTX* context, const std::vector<std::size_t>& certificates, Transport transport) const;
  // Returns null if the name is unknown.
  const Identity* find(std::string_view server_name) const;
  // Returns null if the handshake is to be refused.
  const Identity* choose(std::string_view server_name) const;

  TlsOptions options_;
  // For ALPN, in wire form, preferred first.
  std::string tcp_protocols_;
  // The first: for unknown names.
  std::vector<Identity> identities_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

// Returns the name that the client sent, in lower case and without a trailing dot; empty if it sent none.
std::string server_name_of(const SSL* ssl);

}  // namespace gatehouse
