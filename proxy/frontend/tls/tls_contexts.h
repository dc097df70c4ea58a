// The TLS side of one listener: its certificates by server name, and the rules of every handshake. Immutable, shared by
// all workers and part of a snapshot; any thread. Whoever holds an SSL from here also holds the contexts (shared_ptr)
// until the SSL is gone.
//
//   server name --exact, wildcard, else the first--> identity (one certificate per key type) --> SSL_CTX for TCP, for
//   QUIC
//
// Tickets are bound to the identity: one that was issued for another set of names starts a full handshake.
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
#include "proxy/frontend/tls/ticket_keys.h"

namespace gatehouse {

struct TlsOptions {
  enum class UnknownSni { kDefault, kReject };
  enum class MinVersion { kTls12, kTls13 };

  std::vector<std::shared_ptr<const Certificate>> certificates;  // not empty; the first serves unknown names
  UnknownSni unknown_sni = UnknownSni::kDefault;                 // kReject: unrecognized_name
  MinVersion min_version = MinVersion::kTls12;
  std::shared_ptr<TicketKeys> ticket_keys;  // null: no tickets, no resumption
  bool speaks_h1 = true;                    // what ALPN may choose on TCP
  bool speaks_h2 = true;
};

class TlsContexts {
  struct Private {};

 public:
  TlsContexts(Private /*only_make_makes_one*/, TlsOptions options);
  static Result<std::shared_ptr<const TlsContexts>> make(TlsOptions options);

  // A server's SSL that is not connected to anything; null only if memory is short.
  TlsStream::SslPtr new_ssl() const;       // for TCP: TLS 1.2 or 1.3, ALPN as the listener speaks
  TlsStream::SslPtr new_quic_ssl() const;  // for QUIC: TLS 1.3 only, ALPN h3; no early data

  // RFC 9110 section 7.4: the client asked for `server_name`, its request is for `host`, and it should have asked for
  // another certificate of this listener. Both in lower case; false where no name was sent.
  bool misdirected(std::string_view server_name, std::string_view host) const;

  const std::vector<std::shared_ptr<const Certificate>>& certificates() const { return options_.certificates; }

  // What a client that asks for `server_name` (lower case; empty: it sends none) is served: one certificate per key
  // type; none if the handshake is refused.
  std::vector<std::shared_ptr<const Certificate>> served_to(std::string_view server_name) const;

 private:
  struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;
  struct Identity {
    std::vector<std::size_t> certificates;  // indexes, one per key type
    ContextPtr tcp;
    ContextPtr quic;
  };
  enum class Transport { kTcp, kQuic };
  struct Callbacks;  // what OpenSSL calls

  Result<> add_identities();
  Result<std::size_t> identity_of(const std::string& name);
  Result<ContextPtr> make_context(const std::vector<std::size_t>& certificates, Transport transport) const;
  void bind_sessions(SSL_CTX* context, const std::vector<std::size_t>& certificates, Transport transport) const;
  // Returns null if the name is unknown.
  const Identity* find(std::string_view server_name) const;
  // Returns null if the handshake is to be refused.
  const Identity* choose(std::string_view server_name) const;

  TlsOptions options_;
  std::string tcp_protocols_;         // for ALPN, in wire form, preferred first
  std::vector<Identity> identities_;  // the first: for unknown names
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

// The name that the client sent, in lower case and without a trailing dot; empty if it sent none.
std::string server_name_of(const SSL* ssl);

}  // namespace gatehouse
