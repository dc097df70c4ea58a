// What becomes of the configuration of listeners.
#include <string>
#include <thread>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/runtime/snapshot_builder.h"
#include "tests/support/snapshot_builder_case.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

using SnapshotListenersTest = SnapshotBuilderCase;

TEST_F(SnapshotListenersTest, WhoIsBelievedAndWhatIsStrippedReachThePolicy) {
  const Snapshot snapshot = build(R"(
[[listeners]]
address = "127.0.0.1:8080"
trusted_proxies = ["10.0.0.0/8"]
client_address = "x-real-ip"
strip = ["X-Acme-*"]
[[routes]]
to = "shop"
real_ip = true
[upstreams.shop]
endpoints = ["127.0.0.1:5000"]
)");
  const ListenerPolicy& policy = *snapshot.listeners[0].policy;
  EXPECT_EQ(policy.client_address, ClientAddress::kXRealIp);
  EXPECT_EQ(policy.strip, std::vector<std::string>{"X-Acme-*"});
  EXPECT_TRUE(snapshot.routes->routes()[0].real_ip);
}

TEST_F(SnapshotListenersTest, ListenersKeepTheirBudgetAndTakeItsLimitOnceInForce) {
  const auto config = parse(https + shop);
  auto first = build(config, nullptr);
  ASSERT_TRUE(first);
  auto limited = config;
  limited.listeners[0].max_connections = 1;
  auto second = build(limited, &*first);
  ASSERT_TRUE(second);
  const auto budget = first->listeners[0].budget;
  ASSERT_EQ(budget, second->listeners[0].budget);
  {
    const auto one = ConnectionPermit::request(budget);
    const auto two = ConnectionPermit::request(budget);
    EXPECT_TRUE(one && two) << "building alone limits nothing";
  }
  builder.committed(limited);
  const auto one = ConnectionPermit::request(budget);
  const auto two = ConnectionPermit::request(budget);
  EXPECT_TRUE(one);
  EXPECT_FALSE(two);
}

TEST_F(SnapshotListenersTest, ACertificateThatCannotBeLoadedIsNamedWithItsPlace) {
  const auto config = parse(https + shop);
  folder.write("cert.pem", "no certificate");
  const auto built = build(config, nullptr);
  ASSERT_FALSE(built);
  ASSERT_EQ(built.error().size(), 1U);
  EXPECT_EQ(built.error()[0].severity, config::Severity::kError);
  EXPECT_NE(built.error()[0].location.line, 0U);
  EXPECT_NE(built.error()[0].message.find("cert.pem"), std::string::npos);
}

TEST_F(SnapshotListenersTest, AltSvcIsThereWhileQuicIs) {
  auto config = parse(https + shop);
  const auto alt_svc = [&](bool quic) {
    auto snapshot = build(config, nullptr);
    SnapshotBuilder::settle(*snapshot, config, {{"127.0.0.1:8443", {.port = 8443, .tcp = true, .quic = quic}}});
    EXPECT_EQ(snapshot->listeners[0].speaks_h3, quic);
    return snapshot->listeners[0].policy->alt_svc;
  };
  EXPECT_EQ(alt_svc(true), "h3=\":8443\"; ma=86400");
  EXPECT_EQ(alt_svc(false), "");
  config.listeners[0].alt_svc = {.mode = config::AltSvcMode::kPort, .port = 443, .max_age = 60s};
  EXPECT_EQ(alt_svc(true), "h3=\":443\"; ma=60");
  config.listeners[0].alt_svc.mode = config::AltSvcMode::kOff;
  EXPECT_EQ(alt_svc(true), "");
}

TEST_F(SnapshotListenersTest, AltSvcFollowsTheStateOfTheSockets) {
  auto config = parse(https + shop);
  const auto state = std::make_shared<AltSvcState>();
  const auto policy_with = [&](bool quic) {
    auto snapshot = build(config, nullptr);
    SnapshotBuilder::settle(*snapshot, config,
                            {{"127.0.0.1:8443", {.port = 8443, .tcp = true, .quic = quic, .alt_svc_state = state}}});
    return snapshot->listeners[0].policy;
  };
  const auto with = policy_with(true);
  EXPECT_EQ(with->alt_svc_now(), "") << "nothing is proven";
  state->set(AltSvcState::Standing::kAdvertised, "");
  EXPECT_EQ(with->alt_svc_now(), "h3=\":8443\"; ma=86400");
  state->set(AltSvcState::Standing::kWithdrawn, "");
  EXPECT_EQ(policy_with(false)->alt_svc_now(), "clear") << "clients remember what they were told";
}

TEST_F(SnapshotListenersTest, LimitsOfOneClientHoldOnceTheConfigurationIsInForce) {
  const auto table_of = [this](const std::string& limits) {
    const auto config = parse(https + shop + limits);
    const auto snapshot = build(config, nullptr);
    builder.committed(config);
    return snapshot->listeners[0].budget->clients();
  };
  const auto standard = table_of("");
  EXPECT_TRUE(standard->limits_connections(false));
  EXPECT_TRUE(standard->limits_handshakes(false));
  EXPECT_FALSE(standard->limits_connections(true));  // loopback
  EXPECT_FALSE(standard->limits_handshakes(true));
  const auto written = table_of("[limits]\nmax_connections_per_client = 1000\nmax_handshakes_per_client = \"off\"\n");
  EXPECT_EQ(written, standard);  // what is counted outlives a reload
  EXPECT_TRUE(written->limits_connections(true));
  EXPECT_FALSE(written->limits_handshakes(false));
}

TEST_F(SnapshotListenersTest, TheRedirectToHttpsLeadsToThePortThatIsBound) {
  const auto config = parse(https + shop + "[[listeners]]\naddress = \"127.0.0.1:8080\"\nredirect_to_https = true\n");
  auto snapshot = build(config, nullptr);
  ASSERT_TRUE(snapshot);
  SnapshotBuilder::settle(*snapshot, config,
                          {{"127.0.0.1:8443", {.port = 9443, .tcp = true}}, {"127.0.0.1:8080", {.port = 9080}}});
  EXPECT_TRUE(snapshot->listeners[1].policy->redirect_to_https);
  EXPECT_EQ(snapshot->listeners[1].policy->https_port, 9443);
  EXPECT_EQ(snapshot->listeners[1].policy->public_port, 9080);
}

TEST_F(SnapshotListenersTest, ListenersAreNamedByTheirAddressesAndNeverTheSame) {
  auto config = parse(https + shop);
  config.listeners.resize(4, config.listeners[0]);
  config.listeners[1].address = *Address::parse(":443");
  config.listeners[2].address = *Address::parse("127.0.0.1:0");
  config.listeners[3].address = *Address::parse("127.0.0.1:0");
  EXPECT_EQ(listener_names(config),
            (std::vector<std::string>{"127.0.0.1:8443", ":443", "127.0.0.1:0", "127.0.0.1:0#2"}));
}

TEST_F(SnapshotListenersTest, TlsContextsGoOnWhereCertificatesAndOptionsAreTheSame) {
  const config::Config config = parse(https + shop);
  for (const char* const file : {"cert.pem", "key.pem"}) {
    while (!FileVersion::of(folder.path() / file).settled()) std::this_thread::yield();
  }
  const auto first = build(config, nullptr);
  ASSERT_TRUE(first);
  const auto second = build(config, &*first);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->listeners[0].tls, first->listeners[0].tls);
  EXPECT_EQ(certificates.counts().files_read, 0U);
  config::Config stricter = config;
  stricter.listeners[0].tls->min_version = TlsVersion::kTls13;
  const auto third = build(stricter, &*second);
  ASSERT_TRUE(third);
  EXPECT_NE(third->listeners[0].tls, second->listeners[0].tls);
  EXPECT_EQ(third->listeners[0].tls->certificates(), second->listeners[0].tls->certificates());
  const PemPair renewed = make_certificate();
  folder.write("cert.pem", renewed.certificate);
  folder.write("key.pem", renewed.private_key);
  const auto fourth = build(config, &*second);
  ASSERT_TRUE(fourth);
  EXPECT_NE(fourth->listeners[0].tls, second->listeners[0].tls);
}

// Everybody would lose the site if it replaced the one that all accept; where it is in force already, or there is none,
// refusing it would help nobody.
TEST_F(SnapshotListenersTest, ACertificateThatIsNotValidNowReplacesNone) {
  const config::Config config = parse(https + shop);
  const auto good = build(config, nullptr);
  ASSERT_TRUE(good);
  const PemPair expired = make_certificate({.valid_for = -std::chrono::hours(5)});
  folder.write("cert.pem", expired.certificate);
  folder.write("key.pem", expired.private_key);
  const auto refused = build(config, &*good);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().size(), 1U);
  EXPECT_THAT(refused.error()[0].message, testing::MatchesRegex(".*/cert\\.pem has expired: it is valid from 20.* to "
                                                                "20.* UTC, and now it is 20.* UTC"));
  EXPECT_NE(refused.error()[0].location.line, 0U);
  const auto started = build(config, nullptr);
  ASSERT_TRUE(started) << "at the start it is better than nothing";
  folder.write("copy.pem", expired.certificate);
  config::Config copied = config;
  copied.listeners[0].tls->certificates[0].certificate = (folder.path() / "copy.pem").string();
  EXPECT_TRUE(build(copied, &*started)) << "it is in force already";
}

}  // namespace
}  // namespace gatehouse
