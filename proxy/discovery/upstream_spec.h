// What the UpstreamDirectory keeps true: upstreams with the endpoints that are listed for them, and apps, which are
// upstreams as well. Plain values, checked by whoever made them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/address.h"
#include "config/policy/balancing.h"
#include "config/policy/limits.h"
#include "proxy/apps/app_spec.h"
#include "proxy/discovery/resolver.h"

namespace gatehouse {

class TlsClient;

struct ListedEndpoint {
  std::variant<Address, DnsQuestion> at;  // a name is resolved at run time, and may have many addresses
  std::uint32_t weight = 1;               // 1..1000
  // What we are to it by TLS, and its name there; null: it is spoken to without.
  std::shared_ptr<const TlsClient> tls{};
  std::string tls_name{};
  // Written as localhost: `at` is 127.0.0.1, and ::1 will do as well.
  bool localhost = false;
  friend bool operator==(const ListedEndpoint&, const ListedEndpoint&) = default;
};

struct UpstreamSpec {
  std::string name;
  std::vector<ListedEndpoint> endpoints;
  HealthOptions health;
  OutlierOptions outlier;
};

struct HostedAppSpec {
  AppSpec app;  // has the upstream's name
  HealthOptions health;
  OutlierOptions outlier;
};

// No name twice.
struct DirectorySpec {
  std::vector<UpstreamSpec> upstreams;
  std::vector<HostedAppSpec> apps;
  // For instances that are stopped while requests run.
  std::chrono::milliseconds drain_timeout = defaults::kDrainTimeout;
};

}  // namespace gatehouse
