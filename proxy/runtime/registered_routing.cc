#include "proxy/runtime/registered_routing.h"

#include <format>
#include <map>
#include <utility>

namespace gatehouse {
namespace {

RegisteredRoutes::Entry made(const RegistrationView& view, const RegisteredRouteForm& form) {
  RegisteredRoute made{.prefix = view.prefix, .route = {}};
  Route& route = made.route;
  route.name = view.reservation;
  if (view.prefix.category == UrlPrefix::Category::kHost) route.hosts = {view.prefix.host};
  route.path = view.prefix.path;
  route.limits = form.limits;
  route.pseudonym = form.pseudonym;
  route.action = ForwardTo{std::make_shared<const Upstream>(view.reservation, view.membership, form.options)};
  return std::make_shared<const RegisteredRoute>(std::move(made));
}

const Membership* membership_of(const RegisteredRoutes::Entry& entry) {
  return &std::get<ForwardTo>(entry->route.action).upstream->membership();
}

}  // namespace

std::vector<Reservation> reservations_of(const config::Config& config) {
  std::vector<Reservation> reservations;
  for (const config::Reservation& each : config.reservations) {
    const bool for_group = !each.group.empty();
    reservations.push_back({.prefix = *each.prefix,
                            .for_group = for_group,
                            .owner = each.owner,
                            .owner_name = for_group ? each.group : each.user});
  }
  return reservations;
}

std::shared_ptr<const RegisteredRoutes> registered_routes(std::span<const RegistrationView> registrations,
                                                          const Snapshot& snapshot, const Snapshot* before) {
  std::map<const Membership*, RegisteredRoutes::Entry> known;
  const bool same = before != nullptr && before->registered && before->registered_form == snapshot.registered_form;
  if (same) {
    for (const RegisteredRoutes::Entry& entry : before->registered->entries()) known[membership_of(entry)] = entry;
  }
  std::vector<RegisteredRoutes::Entry> entries;
  for (const RegistrationView& view : registrations) {
    if (takes_place_of(*snapshot.routes, view.prefix) != nullptr) continue;
    const auto found = known.find(view.membership.get());
    entries.push_back(found != known.end() ? found->second : made(view, *snapshot.registered_form));
  }
  return entries.empty() ? nullptr : std::make_shared<const RegisteredRoutes>(std::move(entries));
}

std::string taken_by_route(const Snapshot& snapshot, const UrlPrefix& prefix) {
  const Route* const route = takes_place_of(*snapshot.routes, prefix);
  if (route == nullptr) return {};
  return std::format("the route {} of the configuration has the host and path of {}", route->name, prefix.to_string());
}

}  // namespace gatehouse
