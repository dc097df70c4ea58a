// Upstreams without a server: endpoints, sets and memberships as tests need them. Values and shared pointers; the
// test's thread, unless it hands them to others.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse::testing_support {

inline std::shared_ptr<Endpoint> endpoint_at(const Address& address, int pid = 0, std::string token = {},
                                             std::optional<uid_t> listening_user = {}) {
  return std::make_shared<Endpoint>(Endpoint::Identity{.upstream = "shop",
                                                       .address = address,
                                                       .pid = pid,
                                                       .pairing_token = std::move(token),
                                                       .listening_user = listening_user});
}
inline std::shared_ptr<Endpoint> endpoint_at(const std::string& address) {
  return endpoint_at(Address::parse(address).value());
}

inline std::shared_ptr<const EndpointSet> set_with(std::vector<EndpointSet::Member> members,
                                                   EndpointSet::WhenNone when_none = EndpointSet::WhenNone::kRefuse,
                                                   Refusal refusal = {}) {
  return std::make_shared<const EndpointSet>(
      EndpointSet{.members = std::move(members), .when_none = when_none, .refusal = std::move(refusal)});
}
inline std::shared_ptr<const EndpointSet> set_at(const std::vector<Address>& addresses,
                                                 EndpointSet::WhenNone when_none = EndpointSet::WhenNone::kRefuse) {
  std::vector<EndpointSet::Member> members;
  for (const Address& address : addresses) members.push_back({.endpoint = endpoint_at(address)});
  return set_with(std::move(members), when_none);
}

inline std::shared_ptr<Upstream> upstream_with(std::shared_ptr<const EndpointSet> set,
                                               const UpstreamOptions& options = {.balance = Balance::kRoundRobin},
                                               Membership::Hooks hooks = {}) {
  return std::make_shared<Upstream>("shop", std::make_shared<Membership>("shop", std::move(set), std::move(hooks)),
                                    options);
}
inline std::shared_ptr<Upstream> upstream_of(const std::vector<Address>& addresses,
                                             const UpstreamOptions& options = {.balance = Balance::kRoundRobin}) {
  return upstream_with(set_at(addresses), options);
}

inline std::vector<std::shared_ptr<Endpoint>> endpoints_of(const Upstream& upstream) {
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  for (const EndpointSet::Member& member : upstream.membership().set()->members) endpoints.push_back(member.endpoint);
  return endpoints;
}

}  // namespace gatehouse::testing_support
