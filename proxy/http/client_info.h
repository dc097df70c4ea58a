// Who sent a request and through which listener: what routing rules, header rules, logs and metrics may know of the
// client half without knowing its protocol. A ListenerPolicy is made by SnapshotBuilder (and by Admin for its own
// listener), is immutable from then on, and may be read by any thread; a ClientInfo is a value of each exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "config/policy/listeners.h"
#include "proxy/http/belongings.h"
#include "proxy/http/field_list.h"
#include "proxy/http/limits.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

class AltSvcState;

// What a listener grants its clients, and what it believes of them.
struct ListenerPolicy {
  // The listener's address as configured: its label in logs and metrics.
  std::string name;
  // Where it listens, for those who ask where a client has connected to; AF_UNSPEC: not known.
  Address address;
  // Whether the listener has TLS.
  bool secure = false;
  // The port that clients see; X-Forwarded-Port says it where Host has none. 0: the scheme's.
  std::uint16_t public_port = 0;
  // Requests are redirected to https, but for those of routes that stay out of it.
  bool redirect_to_https = false;
  // Where that redirect leads: the public port of the first listener with TLS on a TCP port.
  std::uint16_t https_port = 443;
  // With TLS: whether clients are asked for a certificate. If so, nobody but we says which one a client has.
  ClientAuth client_auth = ClientAuth::kNone;
  // With TLS: what a client gets that speaks HTTP without it.
  PlainOnTls plain_on_tls = PlainOnTls::kReject;
  // Of connections on TCP: whether they begin with a PROXY header.
  ProxyProtocol proxy_protocol = ProxyProtocol::kOff;
  // h2 connections get the ALTSVC frame too.
  bool alt_svc_frame = false;
  // Peers whose word on the client is believed. Which field carries it, `client_address` says.
  std::vector<AddressRange> trusted_proxies;
  ClientAddress client_address = ClientAddress::kXForwardedFor;
  // Names, or beginnings with "*" behind them, that no client may send, trusted proxies included.
  std::vector<std::string> strip;
  // The listener's part of what Via calls us; the route's is behind it.
  std::string pseudonym;
  // What Alt-Svc on h1 and h2 answers offers while HTTP/3 works. Empty: nothing, because it is off or the listener has
  // no h3 (its UDP port could not be bound, for one).
  std::string alt_svc;
  // Whether it works, or did; null: that is not asked, and the offer always holds (in a dry run).
  std::shared_ptr<AltSvcState> alt_svc_state;
  HeadLimits head;
  ExchangeLimits exchange;
  ConnectionLimits connection;

  // The value of Alt-Svc that an answer has now; empty: it has none.
  std::string_view alt_svc_now() const;
  // Whether `address` is in one of `trusted_proxies`.
  bool trusts(const Address& address) const;
};

// The certificate of a client, as endpoints and logs are told of it.
struct ClientCertificate {
  // The value of Client-Cert (RFC 9440): its DER in base64, between two colons.
  std::string field;
  // The value of Client-Cert-Chain: the issuers by which it was verified, but for the one that is trusted. Empty: that
  // one has signed it itself.
  std::string chain_field;
  // RFC 4514, or its first alternative name if it has no subject; cut where it is long. For logs.
  std::string subject;

  // Without the colons, as the ASP.NET Core Module sends it.
  std::string_view base64() const { return std::string_view(field).substr(1, field.size() - 2); }
};

// What a PROXY header has said beside the client's address.
struct ProxyHeaderNotes {
  // The peer of the transport connection: the proxy.
  Address proxy;
  // Where the client has connected to; nothing: not said.
  std::optional<Address> destination;
  // Of the client's TLS and connection, as the proxy has it; empty: not said. Bounded, and not escaped.
  std::string authority;
  std::string alpn;
  std::string unique_id;
};

// What is known of a connection once its handshake is done.
struct TlsSummary {
  // "TLSv1.3". Version and cipher are constant texts of the TLS library.
  std::string_view version;
  std::string_view cipher;
  // The name that the client asked for (SNI), in lower case; empty if it named none.
  std::string server_name;
  // The handshake took up an earlier session.
  bool resumed = false;
  // What the client has shown and we have verified; null: nothing. Of resumed sessions as well.
  std::shared_ptr<const ClientCertificate> certificate = {};
  // The digest of our certificate by which clients bind a sign-in to this connection (tls-server-end-point, RFC 5929
  // section 4); empty: it has none.
  std::string server_end_point = {};
};

struct ClientInfo {
  Protocol protocol = Protocol::kH1;
  // The peer of the transport connection. For QUIC it has been validated.
  Address address;
  std::shared_ptr<const ListenerPolicy> listener;
  // Null without TLS.
  std::shared_ptr<const TlsSummary> tls;
  // What trusted proxies say (origin_said()); null: nothing. The Exchange fills it in.
  std::shared_ptr<const Address> forwarded_for = {};
  // Of a connection that began with a PROXY header: `address` is the one that it gives, if it does. Null: none came.
  std::shared_ptr<const ProxyHeaderNotes> proxied = {};
  // The request came as early data (0-RTT) and the handshake is not complete: it may be a replay.
  bool early = false;
  // It speaks HTTP without TLS to a listener with TLS: it gets no more than a hint.
  bool strayed = false;
  // Of the client's connection, which outlives the exchange. Null: nothing can be left there.
  BelongingsPtr* belongings = nullptr;

  // Who asks, for logs and for decisions by client: the address that trusted proxies name, else the peer's.
  const Address& origin() const { return forwarded_for ? *forwarded_for : address; }
};

// Returns the address that the proxies which the listener trusts vouch for, by the field that its `client_address`
// names; null if the peer is no trusted proxy, or has not said.
//
// X-Forwarded-For and Forwarded are read from the right, and each element is believed for as long as the address
// before it was a trusted one, for at most 32 elements (RFC 7239 section 8.1 says why not from the left). An element
// that is no address ends the walk, and the last address that was read counts. X-Real-IP counts if it is there
// exactly once.
//
//   X-Forwarded-For: 1.1.1.1, 198.51.100.7, 10.0.0.2    peer: 10.0.0.1
//                    unread   origin        trusted           trusted     <-- read in this direction
std::shared_ptr<const Address> origin_said(const ClientInfo& client, const FieldList& fields);

}  // namespace gatehouse
