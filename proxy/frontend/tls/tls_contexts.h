// The TLS side of one listener: its certificates by server name, and the rules of every handshake. Immutable, shared
// by all workers and part of a snapshot; any thread. Whoever holds an SSL from here also holds the contexts
// (shared_ptr) until the SSL is gone.
//
//   SSL_CTX for TCP, for QUIC --new_ssl--> SSL --ClientHello: its name--> identity: the certificates of that name
//                                             --what the client can use--> one certificate per key type
//
// There are two contexts, however many certificates there are: a connection gets its certificates when it is known what
// the client asks for. The first that the client can use serves it: of those with its exact name, then of those with
// the wildcard for it. Tickets are bound to the identity and to what clients have to show: one that was issued for another set of names, or
// when other clients were let in, starts a full handshake. So does one that was issued on TCP and comes by QUIC, or the
// other way round.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <openssl/ssl.h>

#include "common/crypto/certificate.h"
#include "common/crypto/tls_stream.h"
#include "common/crypto/trust_anchors.h"
#include "common/result.h"
#include "config/policy/listeners.h"
#include "proxy/frontend/tls/ticket_keys.h"

namespace gatehouse {

struct TlsOptions {
  // Not empty; the first serves unknown names. Where several have a name, the first of each key type serves it, of
  // those that the client can use.
  std::vector<std::shared_ptr<const Certificate>> certificates;
  UnknownSni unknown_sni = UnknownSni::kDefault;
  TlsVersion min_version = TlsVersion::kTls12;
  // Whether clients show a certificate, and who vouches for them: not null unless it is kNone.
  ClientAuth client_auth = ClientAuth::kNone;
  std::shared_ptr<const TrustAnchors> client_ca;
  // Null: no tickets, no resumption.
  std::shared_ptr<TicketKeys> ticket_keys;
  // Clients that come back by TCP may send early data (0-RTT), each ticket once: tickets of TLS 1.3 are then nothing
  // but the names of sessions that are kept in the contexts, and resume nothing on others. REQUIRES: there are
  // `ticket_keys` (for TLS 1.2), and no client_auth
  bool early_data = false;
  // What ALPN may choose on TCP; HTTP/2 is preferred where both sides have it.
  bool speaks_h1 = true;
  bool speaks_h2 = true;

  // Whether nothing would be different, so that the same contexts will do. Certificates, CAs and keys are the same where
  // they are the same objects.
  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

class TlsContexts {
  struct Private {};

 public:
  // For make().
  TlsContexts(Private /*only_make_makes_one*/, TlsOptions options);
  // Fails without a certificate, and where clients have to show one that nothing is there to verify by.
  static Result<std::shared_ptr<const TlsContexts>> make(TlsOptions options);

  // So much early data may come on a connection.
  static constexpr std::uint32_t kMostEarlyData = 16 * 1024;
  // So many sessions are kept for clients that may send some; the oldest go first.
  static constexpr long kMostSessions = 20'000;

  // Returns a server's SSL for TCP that is not connected to anything; null only if memory is short. TLS 1.2 or 1.3,
  // ALPN as the listener speaks.
  TlsStream::SslPtr new_ssl() const;
  // Likewise for QUIC: TLS 1.3 only, ALPN h3, no early data.
  TlsStream::SslPtr new_quic_ssl() const;

  // Returns whether a request came to the wrong place (RFC 9110 section 7.4): the client asked for `server_name`, its
  // request is for `host`, and it should have asked for another certificate of this listener. Both in lower case;
  // false where no name was sent.
  bool misdirected(std::string_view server_name, std::string_view host) const;

  // Whether it would let in every client that `former` has let in, with or without TLS (null): connections of before a
  // reload may go on then.
  bool lets_in_all_of(const TlsContexts* former) const;
  ClientAuth client_auth() const { return options_.client_auth; }
  bool takes_early_data() const { return options_.early_data; }

  const std::vector<std::shared_ptr<const Certificate>>& certificates() const { return options_.certificates; }
  const TlsOptions& options() const { return options_; }

  // Returns what a client that asks for `server_name` (lower case; empty: it sends none) is served if it can use all
  // there is: one certificate per key type; none if the handshake is refused.
  std::vector<std::shared_ptr<const Certificate>> served_to(std::string_view server_name) const;

 private:
  struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;
  enum class Transport { kTcp, kQuic };
  // What tickets are bound to.
  using Binding = std::array<std::uint8_t, 32>;
  // What is served under a name.
  struct Identity {
    // Indexes, in the order of the options.
    std::vector<std::size_t> certificates;
    // Some are of the same key type, so that it takes a look which of them the client can use.
    bool has_choice = false;
    Binding tcp{};
    Binding quic{};
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  // What OpenSSL calls.
  struct Callbacks;

  void add_identities();
  Identity identity_of(const std::vector<std::size_t>& certificates) const;
  Binding binding_of(const std::vector<std::size_t>& certificates, Transport transport) const;
  Result<ContextPtr> make_context(Transport transport) const;
  void use_tickets(SSL_CTX* context, Transport transport) const;
  // Both return null if no certificate has the name, or its wildcard.
  const Identity* find(std::string_view server_name) const;
  const Identity* find_wildcard(std::string_view server_name) const;
  // Returns null if the handshake is to be refused.
  const Identity* choose(std::string_view server_name) const;
  // The first of each key type, of all or of those that the client of a handshake can use.
  std::vector<const Certificate*> first_of_each_type(const Identity& identity, SSL* client) const;
  // Gives the connection its certificates; false ends the handshake.
  bool install(SSL* ssl, std::string_view server_name) const;

  TlsOptions options_;
  // By client_verification::policy().
  std::string clients_;
  // For ALPN, in wire form, preferred first.
  std::string tcp_protocols_;
  ContextPtr tcp_;
  ContextPtr quic_;
  // One for each set of certificates that share a name. The first: for unknown names.
  std::vector<Identity> identities_;
  std::unordered_map<std::string, std::size_t, NameHash, std::equal_to<>> by_name_;
};

// Returns the name that the client sent, in lower case and without a trailing dot; empty if it sent none.
std::string server_name_of(const SSL* ssl);

}  // namespace gatehouse
