// `gatehouse proxy`: a configuration without a file, to put Gatehouse in front of something that already listens.
// Called at the start and at every reload; any thread.
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
  // Endpoints: host:port, http://host:port, unix:/path.
  std::vector<std::string> to;
  FrontOptions front;
};

// The same outcome as that of a file: one upstream with these endpoints, and a route of all requests to it.
config::Loaded proxy_config(const ProxyOptions& options, CertificateStore& certificates);

// "http://127.0.0.1:5000/" as "127.0.0.1:5000"; the port is 80 where none is given. Fails for https:// and for an
// address with a path.
Result<config::Endpoint> endpoint_of(const std::string& text);

}  // namespace gatehouse
