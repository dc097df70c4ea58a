// `gatehouse proxy`: a configuration without a file, to put Gatehouse in front of something that already listens.
// Start-up only.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/result.h"
#include "config/reading/load.h"
#include "proxy/cli/front.h"

namespace gatehouse {

struct ProxyOptions {
  std::vector<std::string> to;  // endpoints: host:port, http://host:port, unix:/path
  FrontOptions front;
};

// The same outcome as that of a file.
config::Loaded proxy_config(const ProxyOptions& options);

// "http://127.0.0.1:5000/" as "127.0.0.1:5000"; the port is 80 where none is given.
Result<std::variant<Address, config::DnsName>> endpoint_of(const std::string& text);

}  // namespace gatehouse
