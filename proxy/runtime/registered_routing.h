// From registrations to the routes that workers take, and from reservations of a configuration to those that decide.
// Pure but for what it makes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/discovery/registrations.h"
#include "proxy/forward/registered_routes.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

// REQUIRES: a valid configuration, with the numbers of its owners.
std::vector<Reservation> reservations_of(const config::Config& config);

// The table for `snapshot`, without what its own routes take the place of; null: it is empty. Routes that `before` has
// for the same form are taken from there, so that what workers know of their upstreams stays.
std::shared_ptr<const RegisteredRoutes> registered_routes(std::span<const RegistrationView> registrations,
                                                          const Snapshot& snapshot, const Snapshot* before);

// Why a prefix would not be served though it is registered; empty: it would.
std::string taken_by_route(const Snapshot& snapshot, const UrlPrefix& prefix);

}  // namespace gatehouse
