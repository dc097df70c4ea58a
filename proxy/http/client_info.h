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
#include "proxy/http/limits.h"
#include "proxy/http/protocol.h"

namespace gatehouse {

struct ListenerPolicy {
  std::string name;  // its address as configured: the label in logs and metrics
  bool secure = false;
  std::uint16_t public_port = 0;  // for X-Forwarded-Port where Host has none
  bool redirect_to_https = false;
  std::uint16_t https_port = 443;  // where that redirect leads
  std::vector<AddressRange> trusted_proxies;
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
  Address address;  // the validated peer address
  std::shared_ptr<const ListenerPolicy> listener;
  std::shared_ptr<const TlsSummary> tls;  // null without TLS
};

}  // namespace gatehouse
