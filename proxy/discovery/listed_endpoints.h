// The endpoints that a configuration lists for one upstream, as the set in force: addresses as they are, names as DNS
// answers. Owned by the UpstreamDirectory; its thread. Destroying it stops asking for the names.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "config/config.h"
#include "proxy/discovery/endpoint_registry.h"
#include "proxy/discovery/resolver.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class ListedEndpoints {
 public:
  struct Dependencies {
    EndpointRegistry& registry;
    Resolver& resolver;
  };

  // Puts the set in force at once, without the names that are not known yet, and again whenever an answer changes.
  ListedEndpoints(const Dependencies& dependencies, const config::Upstream& upstream,
                  std::shared_ptr<Membership> membership, std::function<void(const Membership&)> changed);
  ListedEndpoints(const ListedEndpoints&) = delete;
  ListedEndpoints& operator=(const ListedEndpoints&) = delete;

  // The same entries as before: nothing to do at a reload.
  bool lists(const std::vector<config::Endpoint>& endpoints) const;

 private:
  struct Name {
    const config::DnsName* name;
    std::uint32_t weight;
    bool resolved = false;
    Resolver::Resolution resolution;
    std::unique_ptr<Resolver::Watch> watch;
  };

  void update();
  void add(EndpointSet& set, Endpoint::Identity identity, std::uint32_t weight) const;

  EndpointRegistry& registry_;
  const std::vector<config::Endpoint> entries_;
  const std::shared_ptr<Membership> membership_;
  const std::function<void(const Membership&)> changed_;
  std::vector<Name> names_;
};

}  // namespace gatehouse
