// What is remembered of endpoints that are not well, and for how long.
#include "proxy/discovery/endpoint_troubles.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

Endpoint::Identity identity(std::size_t number) {
  return {.upstream = "shop", .address = *Address::parse("127.0.0.1:1"), .name = std::to_string(number)};
}

TEST(EndpointTroublesTest, ManyEndpointsComeAndGoAndTheLatestAreRemembered) {
  EndpointTroubles troubles;
  const std::size_t all = 3 * EndpointTroubles::kMost;
  for (std::size_t i = 0; i < all; ++i) {
    troubles.note_fault({.fault = Fault::kConnectRefused, .upstream = "shop", .endpoint = std::to_string(i)});
  }
  Endpoint latest(identity(all - 1));
  latest.failed();
  EXPECT_TRUE(troubles.condition(latest).why.contains("connect_refused")) << troubles.condition(latest).why;
  // Every fault that is still remembered is counted as one, and no other.
  for (std::size_t i = 0; i < all; ++i) troubles.served(Endpoint(identity(i)));
  EXPECT_FALSE(troubles.remembers_faults());
}

}  // namespace
}  // namespace gatehouse
