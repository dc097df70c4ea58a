// What a list of addresses and names becomes: who is one endpoint, and what Host says there.
#include "proxy/discovery/listed_endpoints.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/app_testing.h"

namespace gatehouse {
namespace {

// Names under "localhost" are known without a server (RFC 6761 section 6.3).
ListedEndpoint named(const std::string& name) {
  return {.at = DnsQuestion{.name = name, .port = 80}};
}

class ListedEndpointsTest : public testing_support::RealLoopTest {
 protected:
  void list(std::vector<ListedEndpoint> endpoints) {
    listed.reset();
    listed =
        std::make_unique<ListedEndpoints>(ListedEndpoints::Dependencies{.registry = registry, .resolver = resolver},
                                          std::move(endpoints), membership, [](const Membership&) {});
    ASSERT_TRUE(run_until([this] { return membership->set()->when_none == EndpointSet::WhenNone::kRefuse; }));
  }
  // Of all endpoints at 127.0.0.1:80.
  std::vector<std::string> authorities() const {
    std::vector<std::string> found;
    for (const EndpointSet::Member& member : membership->set()->members) {
      if (member.endpoint->address() == address) found.push_back(member.endpoint->authority());
    }
    return found;
  }

  const Address address = *Address::parse("127.0.0.1:80");
  EndpointRegistry registry;
  Resolver resolver{loop, Resolver::Options{}};
  std::shared_ptr<Membership> membership =
      std::make_shared<Membership>("shop", std::make_shared<EndpointSet>(), Membership::Hooks{});
  std::unique_ptr<ListedEndpoints> listed;
};

TEST_F(ListedEndpointsTest, AnotherNameForTheSameAddressIsWhatHostSays) {
  list({named("old.localhost")});
  EXPECT_EQ(authorities(), std::vector<std::string>{"old.localhost:80"});
  list({named("new.localhost")});
  EXPECT_EQ(authorities(), std::vector<std::string>{"new.localhost:80"});
  const std::shared_ptr<Endpoint> known = membership->set()->members[0].endpoint;
  list({named("new.localhost")});
  EXPECT_EQ(membership->set()->members[0].endpoint, known);
}

TEST_F(ListedEndpointsTest, NamesThatLeadToOneAddressAreOneEndpoint) {
  list({named("new.localhost"), named("old.localhost")});
  EXPECT_EQ(authorities(), std::vector<std::string>{"new.localhost:80"});
  list({named("new.localhost"), {.at = address}});
  EXPECT_EQ(authorities(), std::vector<std::string>{"127.0.0.1:80"});
}

TEST_F(ListedEndpointsTest, LocalhostIsOneEndpointWithTwoAddresses) {
  list({{.at = address, .localhost = true}});
  ASSERT_EQ(membership->set()->members.size(), 1U);
  const Endpoint& endpoint = *membership->set()->members[0].endpoint;
  EXPECT_EQ(endpoint.name(), "localhost:80");
  EXPECT_EQ(endpoint.authority(), "localhost:80");
  EXPECT_EQ(endpoint.address(), address);
  ASSERT_NE(endpoint.beside(endpoint.address()), nullptr);
  EXPECT_EQ(endpoint.beside(endpoint.address())->to_string(), "[::1]:80");
}

}  // namespace
}  // namespace gatehouse
