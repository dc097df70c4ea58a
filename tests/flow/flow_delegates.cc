// The part of Flow that is about the upstreams to which a request is handed over.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "tests/flow/flow.h"
#include "tests/support/endpoint_testing.h"

namespace gatehouse::flow {

void Flow::make_delegates() {
  if (options.delegate_to.empty()) return;
  std::set<std::string> names;
  for (const auto& [name, targets] : options.delegate_to) {
    names.insert(name);
    names.insert(targets.begin(), targets.end());
  }
  names.erase("shop");
  for (const std::string& name : names) {
    auto& app = back_.delegate_apps.try_emplace(name).first->second;
    auto endpoint = std::make_shared<Endpoint>(Endpoint::Identity{.upstream = name, .address = app.address()});
    auto membership = std::make_shared<Membership>(name, testing_support::set_with({{.endpoint = std::move(endpoint)}}),
                                                   Membership::Hooks{});
    back_.delegates.push_back(std::make_shared<Upstream>(name, std::move(membership), options.delegate));
  }
  std::vector<Delegator>& table = *back_.delegators;
  table.push_back({.upstream = back_.upstream, .targets = {}});
  for (const auto& upstream : back_.delegates) table.push_back({.upstream = upstream, .targets = {}});
  const auto named = [&](const std::string& name) -> Delegator& {
    return *std::ranges::find_if(table, [&](const Delegator& each) { return each.upstream->name() == name; });
  };
  for (const auto& [name, targets] : options.delegate_to) {
    std::ranges::transform(targets, std::back_inserter(named(name).targets),
                           [&](const std::string& target) { return &named(target); });
  }
}

App& Flow::accept_request_at(const std::string& upstream) {
  App& app = accept_from(back_.delegate_apps.at(upstream));
  await_head(app);
  return app;
}

bool Flow::nobody_connects_to(const std::string& upstream) {
  settle();
  return !back_.delegate_apps.at(upstream).accept().has_value();
}

void Flow::expect_pool_of(const std::string& upstream, std::size_t idle) {
  expect_pool_at(back_.delegate_apps.at(upstream).address(), idle);
}

}  // namespace gatehouse::flow
