// Who sent a request and through which listener: what routing rules, header rules, logs and metrics may know of the
// client half without knowing its protocol. A ListenerPolicy is made by SnapshotBuilder (and by Admin for its own
// listener), is immutable from then on, and may be read by any thread; a ClientInfo is a value of each exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "config/policy/listeners.h"
#include "proxy/http/field_list.h"
#include "proxy/http/limits.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

// What a listener grants its clients, and what it believes of them.
struct ListenerPolicy {
  // The listener's address as configured: its label in logs and metrics.
  std::string name;
  // Whether the listener has TLS.
  bool secure = false;
  // The port that clients see; X-Forwarded-Port says it where Host has none. 0: the scheme's.
  std::uint16_t public_port = 0;
  // Requests are redirected to https, but for those of routes that stay out of it.
  bool redirect_to_https = false;
  // Where that redirect leads: the public port of the first listener with TLS on a TCP port.
  std::uint16_t https_port = 443;
  // Peers whose word on the client is believed. Which field carries it, `client_address` says.
  std::vector<AddressRange> trusted_proxies;
  ClientAddress client_address = ClientAddress::kXForwardedFor;
  // Names, or beginnings with "*" behind them, that no client may send, trusted proxies included.
  std::vector<std::string> strip;
  // The listener's part of what Via calls us; the route's is behind it.
  std::string pseudonym;
  // The value of Alt-Svc on h1 and h2 answers. Empty: none is sent, because it is off or the listener has no h3 (its
  // UDP port could not be bound, for one).
  std::string alt_svc;
  HeadLimits head;
  ExchangeLimits exchange;
  ConnectionLimits connection;

  // Whether `address` is in one of `trusted_proxies`.
  bool trusts(const Address& address) const;
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
