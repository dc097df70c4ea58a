// `gatehouse proxy`: a configuration from a handful of options instead of a file, to put Gatehouse in front of
// something that already listens. Start-up only.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "config/load.h"

namespace gatehouse {

struct ProxyOptions {
  std::vector<std::string> to;      // endpoints: host:port, http://host:port, unix:/path
  std::vector<std::string> listen;  // addresses for h1, h2 and h3 over TLS
  std::string certificate;          // both or none; none: a self-signed one for localhost
  std::string private_key;
  std::string http;     // another address, cleartext; empty: none
  std::string admin;    // empty: the default; "off": none
  std::string control;  // empty: the default
};

// The same outcome as that of a file, but places are named by their options.
config::Loaded proxy_config(const ProxyOptions& options);

// "http://127.0.0.1:5000/" as "127.0.0.1:5000"; the port is 80 where none is given.
Result<Address> endpoint_of(const std::string& text);

}  // namespace gatehouse
