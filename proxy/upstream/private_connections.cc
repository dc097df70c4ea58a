#include "proxy/upstream/private_connections.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

namespace {

// As many as a client needs that has a few requests under way at a time, or a few upstreams; h2 and h3 may have more
// streams, whose connections end with them.
constexpr std::size_t kMost = 8;

}  // namespace

PrivateConnection::PrivateConnection(Pool& pool, std::unique_ptr<UpstreamConnection> connection)
    : pool_(&pool), endpoint_(pool.endpoint()), connection_(std::move(connection)) {}

PrivateConnection::~PrivateConnection() {
  if (!ended()) pool_->close(*this);
}

PrivateConnections& PrivateConnections::begin(BelongingsPtr& belongings) {
  if (!belongings) belongings = std::make_unique<Belongings>();
  if (!belongings->connections) belongings->connections = std::make_unique<PrivateConnections>();
  return *of(belongings);
}

std::vector<PrivateConnections::Kept>::iterator PrivateConnections::look(const Claim& claim) {
  std::erase_if(kept_, [](const Kept& each) { return each.connection->ended(); });
  const auto fits = [&](const Kept& each) {
    if (each.connection->endpoint()->upstream() != claim.upstream || each.identified > claim.identified) return false;
    return claim.introduced != nullptr ? each.introduced == *claim.introduced : !each.introduced;
  };
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), fits);
  return found == kept_.rend() ? kept_.end() : std::next(found).base();
}

const std::shared_ptr<Endpoint>* PrivateConnections::find(const Claim& claim) {
  const auto found = look(claim);
  return found == kept_.end() ? nullptr : &found->connection->endpoint();
}

std::optional<PrivateConnections::Taken> PrivateConnections::take(const Claim& claim, Permit& permit) {
  const auto found = look(claim);
  if (found == kept_.end() || found->connection->endpoint() != permit.endpoint()) return std::nullopt;
  Taken taken{.lease = found->connection->pool_->resume(*found->connection, std::move(permit)),
              .identified = found->identified};
  kept_.erase(found);
  return taken;
}

void PrivateConnections::keep(Lease lease, const Claim& is) {
  std::unique_ptr<PrivateConnection> connection = lease.keep_private();
  if (!connection) return;
  std::erase_if(kept_, [](const Kept& each) { return each.connection->ended(); });
  if (kept_.size() >= kMost) kept_.erase(kept_.begin());
  kept_.push_back({.connection = std::move(connection),
                   .introduced = is.introduced != nullptr ? std::optional(*is.introduced) : std::nullopt,
                   .identified = is.identified});
}

std::size_t PrivateConnections::size() {
  std::erase_if(kept_, [](const Kept& each) { return each.connection->ended(); });
  return kept_.size();
}

}  // namespace gatehouse
