// What the tests of health share: a loop on a manual clock, endpoints on loopback that answer as told, and memberships.
// Everything belongs to the test's thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/upstream/membership.h"
#include "tests/support/loop_testing.h"
#include "tests/support/scripted_endpoint.h"

namespace gatehouse::testing_support {

inline std::shared_ptr<Endpoint> endpoint_at(const Address& address, const std::string& name = {}) {
  return std::make_shared<Endpoint>(Endpoint::Identity{.upstream = "shop", .address = address, .name = name});
}

inline std::shared_ptr<const EndpointSet> set_of(const std::vector<std::shared_ptr<Endpoint>>& endpoints) {
  auto set = std::make_shared<EndpointSet>();
  for (const std::shared_ptr<Endpoint>& endpoint : endpoints)
    set->members.push_back({.endpoint = endpoint, .weight = 1, .affinity = {}});
  return set;
}

inline std::shared_ptr<Membership> membership_of(const std::vector<std::shared_ptr<Endpoint>>& endpoints) {
  return std::make_shared<Membership>("shop", set_of(endpoints), Membership::Hooks{});
}

class HealthTest : public LoopTest {
 protected:
  // Turns until `done`: what is waited for comes from sockets of this very process, at once or never.
  template <class Done>
  bool turn_until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "what the test waits for did not happen";
        return false;
      }
      turn();
    }
    return true;
  }
  void settle() {
    for (int i = 0; i < 8; ++i) turn();
  }
  ScriptedConnection accept(ScriptedEndpoint& endpoint) {
    std::optional<ScriptedConnection> connection;
    turn_until([&] { return (connection = endpoint.accept()).has_value(); });
    return connection ? *std::move(connection) : ScriptedConnection(Fd());
  }
  std::string request_of(ScriptedConnection& connection) {
    turn_until([&] { return connection.received().ends_with("\r\n\r\n") || connection.ended(); });
    return connection.received();
  }
};

}  // namespace gatehouse::testing_support
