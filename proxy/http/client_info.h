// Who sent a request and through which listener: what routing rules, header rules, logs and metrics may know of the
// client half without knowing its protocol. ListenerPolicy is immutable and part of a snapshot; ClientInfo is a value
// of each exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "proxy/http/field_list.h"
#include "proxy/http/limits.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

// Which field of a trusted proxy says who its client is.
enum class ClientAddress : std::uint8_t { kXForwardedFor, kForwarded, kXRealIp };

struct ListenerPolicy {
  std::string name;  // its address as configured: the label in logs and metrics
  bool secure = false;
  std::uint16_t public_port = 0;  // for X-Forwarded-Port where Host has none
  bool redirect_to_https = false;
  std::uint16_t https_port = 443;  // where that redirect leads
  std::vector<AddressRange> trusted_proxies;
  ClientAddress client_address = ClientAddress::kXForwardedFor;
  std::vector<std::string> strip;     // names, or beginnings with "*" behind them, that no client may send
  std::string pseudonym;              // the listener's part of what Via calls us; empty: nothing
  std::string alt_svc;                // value of Alt-Svc on h1 and h2 answers; empty: none (off, or QUIC is not alive)
  std::uint64_t max_connections = 0;  // 0: no limit of its own
  HeadLimits head;
  ExchangeLimits exchange;
  ConnectionLimits connection;

  bool trusts(const Address& address) const;
};

struct TlsSummary {
  std::string_view version;  // "TLSv1.3"; empty without TLS
  std::string_view cipher;
  std::string server_name;  // SNI as sent, lower case
  bool resumed = false;
};

struct ClientInfo {
  Protocol protocol = Protocol::kH1;
  Address address;  // of the transport connection, validated
  std::shared_ptr<const ListenerPolicy> listener;
  std::shared_ptr<const TlsSummary> tls;              // null without TLS
  std::shared_ptr<const Address> forwarded_for = {};  // what trusted proxies say (see origin_said); null: nothing

  // Who asks: for logs, and for decisions by client.
  const Address& origin() const { return forwarded_for ? *forwarded_for : address; }
};

// The address that the proxies which the listener trusts vouch for, by the field that its `client_address` names.
// X-Forwarded-For and Forwarded are read from the right for as long as the address before was a trusted one, at most 32
// elements (RFC 7239 section 8.1 says why not from the left); an element that is no address ends the walk. X-Real-IP
// counts if there is one. Null: the peer is no trusted proxy, or has not said.
std::shared_ptr<const Address> origin_said(const ClientInfo& client, const FieldList& fields);

}  // namespace gatehouse
