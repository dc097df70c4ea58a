#include "proxy/discovery/listed_endpoints.h"

#include <algorithm>
#include <format>
#include <utility>
#include <variant>

#include "common/crypto/tls_server.h"
#include "common/log_limit.h"

namespace gatehouse {
namespace {

constinit log::Limited unresolved("names that cannot be resolved");

constexpr std::chrono::seconds kRetryAfter{1};

std::string text_of(const DnsQuestion& name) {
  return name.port == 0 ? name.name : std::format("{}:{}", name.name, name.port);
}

std::shared_ptr<TlsServer> tls_of(const ListedEndpoint& entry) {
  return entry.tls ? std::make_shared<TlsServer>(entry.tls, entry.tls_name) : nullptr;
}

// It is one endpoint, wherever it listens: programs that listen at "localhost" take either address, and it is one
// program all the same.
void be_localhost(Endpoint::Identity& identity) {
  const std::uint16_t port = identity.address.port();
  identity.authority = std::format("localhost:{}", port);
  identity.name = (identity.tls ? "https://" : "") + identity.authority;
  identity.other_address = *Address::parse(std::format("[::1]:{}", port));
}

}  // namespace

ListedEndpoints::ListedEndpoints(const Dependencies& dependencies, std::vector<ListedEndpoint> endpoints,
                                 std::shared_ptr<Membership> membership, std::function<void(const Membership&)> changed)
    : registry_(dependencies.registry),
      entries_(std::move(endpoints)),
      membership_(std::move(membership)),
      changed_(std::move(changed)) {
  for (const ListedEndpoint& entry : entries_) {
    if (const auto* name = std::get_if<DnsQuestion>(&entry.at)) {
      names_.push_back({.entry = &entry, .name = name, .resolved = false, .resolution = {}, .watch = nullptr});
    }
  }
  for (std::size_t i = 0; i < names_.size(); ++i) {
    names_[i].watch = dependencies.resolver.watch(*names_[i].name, [this, i](const Resolver::Resolution& resolution) {
      if (!resolution.error.empty() && resolution.error != names_[i].resolution.error) {
        unresolved.warn("upstream {}: {} cannot be resolved: {}", membership_->upstream(), text_of(*names_[i].name),
                        resolution.error);
      }
      names_[i].resolved = true;
      names_[i].resolution = resolution;
      update();
    });
  }
  update();
}

// While a name has not been answered at all, requests wait for it rather than fail; one that cannot be resolved leaves
// the others in force.
void ListedEndpoints::update() {
  auto set = std::make_shared<EndpointSet>();
  for (const ListedEndpoint& entry : entries_) {
    if (const auto* address = std::get_if<Address>(&entry.at)) {
      Endpoint::Identity identity{.upstream = membership_->upstream(), .address = *address, .tls = tls_of(entry)};
      if (entry.localhost) be_localhost(identity);
      add(*set, std::move(identity), entry.weight);
    }
  }
  bool pending = false;
  for (const Name& name : names_) {
    pending |= !name.resolved;
    for (const ResolvedAddress& resolved : name.resolution.addresses) {
      add(*set,
          {.upstream = membership_->upstream(),
           .address = resolved.address,
           .authority = text_of(*name.name),
           .tls = tls_of(*name.entry)},
          name.entry->weight * resolved.weight);
    }
  }
  set->when_none = pending ? EndpointSet::WhenNone::kWait : EndpointSet::WhenNone::kRefuse;
  set->refusal = {.fault = set->members.empty() ? Fault::kNameNotResolved : Fault::kNoHealthyEndpoint,
                  .retry_after = kRetryAfter};
  membership_->replace(std::move(set));
  changed_(*membership_);
}

void ListedEndpoints::add(EndpointSet& set, Endpoint::Identity identity, std::uint32_t weight) const {
  const bool known = std::ranges::any_of(set.members, [&identity](const EndpointSet::Member& member) {
    return member.endpoint->address() == identity.address;
  });
  if (known) return;  // two names lead to one address: the first is its name
  const std::shared_ptr<Endpoint> endpoint = registry_.endpoint(std::move(identity));
  set.members.push_back(
      {.endpoint = endpoint, .weight = std::clamp<std::uint32_t>(weight, 1, 1000), .affinity = endpoint->name()});
}

}  // namespace gatehouse
