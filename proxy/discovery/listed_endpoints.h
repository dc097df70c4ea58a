// The endpoints that are listed for one upstream, as the set in force: addresses as they are, names as DNS answers.
// Owned by the UpstreamDirectory; its thread. Destroying it stops asking for the names and leaves the set in force.
//
// While a name has no answer of any kind yet, requests that find no endpoint wait; after that they are refused. A name
// that cannot be resolved keeps the addresses that it had, and does not hold up the others.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/discovery/endpoint_registry.h"
#include "proxy/discovery/resolver.h"
#include "proxy/discovery/upstream_spec.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class ListedEndpoints {
 public:
  // Both outlive it.
  struct Dependencies {
    EndpointRegistry& registry;
    Resolver& resolver;
  };

  // Puts the set in force at once, without the names that are not known yet, and again whenever an answer changes.
  // `changed` is called after each time, the first one, within the constructor, included. An address that several
  // entries lead to is in the set once, with the weight of the first. A weight is the entry's, times that of an SRV
  // record, and at most 1000.
  ListedEndpoints(const Dependencies& dependencies, std::vector<ListedEndpoint> endpoints,
                  std::shared_ptr<Membership> membership, std::function<void(const Membership&)> changed);
  ListedEndpoints(const ListedEndpoints&) = delete;
  ListedEndpoints& operator=(const ListedEndpoints&) = delete;

  // Whether these are the same entries, in the same order: then there is nothing to do at a reload.
  bool lists(const std::vector<ListedEndpoint>& endpoints) const { return endpoints == entries_; }

 private:
  struct Name {
    // One of entries_, and its name.
    const ListedEndpoint* entry;
    const DnsQuestion* name;
    // There was an answer, or a failure.
    bool resolved = false;
    Resolver::Resolution resolution;
    std::unique_ptr<Resolver::Watch> watch;
  };

  void update();
  void add(EndpointSet& set, Endpoint::Identity identity, std::uint32_t weight) const;

  EndpointRegistry& registry_;
  const std::vector<ListedEndpoint> entries_;
  const std::shared_ptr<Membership> membership_;
  const std::function<void(const Membership&)> changed_;
  std::vector<Name> names_;
};

}  // namespace gatehouse
