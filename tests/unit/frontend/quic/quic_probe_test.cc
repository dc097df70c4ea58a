// Our own handshake with a QUIC port: what it passes for, and what the port makes of it. Real sockets on the loopback,
// and one loop for both sides.
#include "proxy/frontend/quic/quic_probe.h"

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "common/sockets.h"
#include "proxy/frontend/client_table.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/quic_case.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using testing_support::make_certificate;
using testing_support::NotingObserver;

class QuicProbeTest : public testing::Test {
 protected:
  QuicProbeTest() { policy->name = "test"; }
  ~QuicProbeTest() override {
    probe.reset();
    listener.reset();
    loop.turn(EventLoop::Wait::kNever);
  }

  static std::shared_ptr<const TlsContexts> tls(UnknownSni unknown_sni) {
    const auto pem = make_certificate();
    TlsOptions options;
    options.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()};
    options.unknown_sni = unknown_sni;
    return TlsContexts::make(options).value();
  }

  void listen(UnknownSni unknown_sni = UnknownSni::kDefault) {
    context.policy = policy;
    context.tls = tls(unknown_sni);
    auto binding = QuicGroup::bind(Address::parse("127.0.0.1:0").value(), 1, options.ids).value();
    group = binding.group;
    listener = std::make_unique<QuicListener>(
        context, std::move(binding.sockets.front()),
        QuicListener::Dependencies{.group = group, .worker = 0, .secrets = secrets, .options = options});
    address = group->ways().at(0);
  }

  // Returns what the probe finds.
  Result<> outcome_of(std::vector<std::uint8_t> token) {
    std::optional<Result<>> outcome;
    probe = std::make_unique<QuicProbe>(
        loop, QuicProbe::Target{.address = address, .id = options.ids.make(0), .token = std::move(token)},
        [&outcome](Result<> said) { outcome = std::move(said); });
    EXPECT_FALSE(outcome) << "it is told from the loop";
    while (!outcome) loop.turn(EventLoop::Wait::kForEvents);
    return *outcome;
  }
  Result<> outcome() { return outcome_of(group->probe_token(loop.wall_now())); }
  void until_the_server_has_forgotten() {
    while (context.connections.size() > 0) loop.turn(EventLoop::Wait::kForEvents);
  }
  std::uint64_t failures() const {
    std::uint64_t sum = 0;
    for (const Counter& each : counters.handshake_failures) sum += each.value();
    return sum;
  }

  EventLoop loop;
  NotingObserver observer;
  ExchangeContext exchanges{.loop = loop, .observer = observer, .make_responder = [](Exchange&) { return nullptr; }};
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  ListenerCounters counters;
  ListenerContext context{.loop = loop,
                          .exchanges = exchanges,
                          .policy = policy,
                          .tls = nullptr,
                          .counters = counters,
                          .connections = ConnectionList(loop)};
  QuicSecrets secrets = QuicSecrets::random();
  QuicOptions options;
  std::shared_ptr<QuicGroup> group;
  std::unique_ptr<QuicListener> listener;
  Address address;
  std::unique_ptr<QuicProbe> probe;
};

TEST_F(QuicProbeTest, PassesWhereQuicAnswersAndLeavesNothingBehind) {
  listen();
  EXPECT_TRUE(outcome());
  until_the_server_has_forgotten();
  EXPECT_EQ(failures(), 0U);
  EXPECT_EQ(counters.connections_total[static_cast<std::size_t>(Protocol::kH3)].value(), 0U);
  EXPECT_FALSE(listener->needed());
}

TEST_F(QuicProbeTest, PassesWhereTlsRefusesItsName) {
  listen(UnknownSni::kReject);
  const auto said = outcome();
  EXPECT_TRUE(said) << said.error().message;
  until_the_server_has_forgotten();
  EXPECT_EQ(failures(), 0U);
}

TEST_F(QuicProbeTest, FollowsARetryIfItIsNotKnownForWhatItIs) {
  options.max_half_open = 0;
  listen();
  const auto said = outcome_of({});
  EXPECT_TRUE(said) << said.error().message;
  EXPECT_EQ(counters.retries_sent.value(), 1U);
}

TEST_F(QuicProbeTest, NeedsNoRetryAndNoRoomIfItIsKnown) {
  options.max_half_open = 0;
  listen();
  auto table = std::make_shared<ClientTable>();
  table->set_limits({.connections = 1, .handshakes = 1, .period = std::chrono::hours(1)});
  context.budget = std::make_shared<ConnectionBudget>(1, table);
  const ConnectionPermit last = ConnectionPermit::request(context.budget);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(outcome());
    until_the_server_has_forgotten();
  }
  EXPECT_EQ(counters.retries_sent.value(), 0U);
  for (const Counter& refused : counters.refused) EXPECT_EQ(refused.value(), 0U);
  EXPECT_EQ(table->known_clients(), 0U);
}

TEST_F(QuicProbeTest, FailsAtOnceWhereNobodyIs) {
  listen();
  const auto token = group->probe_token(loop.wall_now());
  listener.reset();
  const auto said = outcome_of(token);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, ECONNREFUSED);
}

TEST_F(QuicProbeTest, FailsWhereNobodyReads) {
  const Fd silent = sockets::bind_udp(Address::parse("127.0.0.1:0").value()).value();
  address = Address::local_of(silent.get());
  const auto said = outcome_of({});
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("no answer within"));
}

TEST_F(QuicProbeTest, FailsWhereItIsRefused) {
  listen();
  listener->drain();
  const auto said = outcome();
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("refused with error 0x2"));
}

TEST_F(QuicProbeTest, FailsWhereThereIsNoWay) {
  address = Address::parse("255.255.255.255:9").value();  // needs an option that it has not
  const auto said = outcome_of({});
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("no way to 255.255.255.255:9"));
}

TEST_F(QuicProbeTest, MayBeDroppedAtAnyTime) {
  listen();
  for (int turns = 0; turns < 4; ++turns) {
    probe = std::make_unique<QuicProbe>(
        loop,
        QuicProbe::Target{.address = address, .id = options.ids.make(0), .token = group->probe_token(loop.wall_now())},
        [](Result<>) {});
    for (int i = 0; i < turns; ++i) loop.turn(EventLoop::Wait::kNever);
    probe.reset();
    until_the_server_has_forgotten();
  }
}

}  // namespace
}  // namespace gatehouse
