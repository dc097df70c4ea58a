// The ALTSVC frame: one for each origin that a client asks for, and again when there is something else to say.
#include "proxy/frontend/h2/h2_alternatives.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/http/alt_svc_state.h"
#include "tests/support/frontend_testing.h"
#include "tests/support/h2_client.h"

namespace gatehouse {
namespace {

using testing_support::FrontendWorld;
using testing_support::H2Alternative;
using testing_support::H2Client;
using Alternatives = std::vector<H2Alternative>;

constexpr std::string_view kOffer = "h3=\":443\"; ma=60";

class H2AlternativesTest : public testing::Test {
 protected:
  void use(bool frame) {
    auto policy = std::make_shared<ListenerPolicy>(*world.context.policy);
    policy->alt_svc = kOffer;
    policy->alt_svc_state = state;
    policy->alt_svc_frame = frame;
    world.context.policy = std::move(policy);
    client.emplace(world, H2Client::Options{.secure = true});
  }
  void get(const std::string& authority, const std::string& path = "/") {
    client->ask_raw({{":method", "GET"}, {":scheme", "https"}, {":authority", authority}, {":path", path}});
    client->exchange_bytes();
  }
  static H2Alternative frame(const std::string& origin, std::string_view value = kOffer) {
    return {.stream = 0, .origin = origin, .value = std::string(value)};
  }

  std::shared_ptr<AltSvcState> state = std::make_shared<AltSvcState>();
  FrontendWorld world;
  std::optional<H2Client> client;
};

TEST_F(H2AlternativesTest, EachOriginIsToldOnce) {
  state->set(AltSvcState::Standing::kAdvertised, "");
  use(true);
  EXPECT_EQ(client->alternatives(), Alternatives());
  for (int i = 0; i < 3; ++i) {
    get("a.test");
    get("B.test:8443");
  }
  EXPECT_EQ(client->alternatives(), (Alternatives{frame("https://a.test"), frame("https://b.test:8443")}));
}

TEST_F(H2AlternativesTest, WithoutTheKeyThereIsTheFieldAlone) {
  state->set(AltSvcState::Standing::kAdvertised, "");
  use(false);
  get("a.test");
  EXPECT_EQ(client->alternatives(), Alternatives());
  EXPECT_EQ(client->response(1).field("alt-svc"), kOffer);
}

TEST_F(H2AlternativesTest, WhatChangesIsToldAgain) {
  use(true);
  get("a.test");
  EXPECT_EQ(client->alternatives(), Alternatives()) << "nothing is proven";
  state->set(AltSvcState::Standing::kAdvertised, "");
  get("a.test");
  state->set(AltSvcState::Standing::kWithdrawn, "");
  get("a.test");
  get("a.test");
  state->set(AltSvcState::Standing::kAdvertised, "");
  get("a.test");
  EXPECT_EQ(client->alternatives(),
            (Alternatives{frame("https://a.test"), frame("https://a.test", "clear"), frame("https://a.test")}));
}

TEST_F(H2AlternativesTest, AnAuthorityThatIsNoneIsNotPassedOn) {
  state->set(AltSvcState::Standing::kAdvertised, "");
  use(true);
  get("a.test/@evil.test");
  get("a.test", "no path");
  EXPECT_EQ(client->alternatives(), Alternatives());
  get("a.test");
  EXPECT_EQ(client->alternatives(), Alternatives{frame("https://a.test")});
}

TEST_F(H2AlternativesTest, AClientThatMakesOriginsUpGetsABoundedNumber) {
  state->set(AltSvcState::Standing::kAdvertised, "");
  use(true);
  for (std::size_t i = 0; i < H2Alternatives::kMostOrigins + 5; ++i) get("a" + std::to_string(i) + ".test");
  EXPECT_EQ(client->alternatives().size(), H2Alternatives::kMostOrigins);
}

TEST(H2OriginTest, HasNoDefaultPort) {
  EXPECT_EQ(origin_of("a.test"), "https://a.test");
  EXPECT_EQ(origin_of("a.test:443"), "https://a.test");
  EXPECT_EQ(origin_of("a.test:8443"), "https://a.test:8443");
  EXPECT_EQ(origin_of("[::1]:443"), "https://[::1]");
}

}  // namespace
}  // namespace gatehouse
