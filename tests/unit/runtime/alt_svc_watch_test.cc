// Alt-Svc as it follows a QUIC port that lives and dies: real sockets on the loopback, workers and control thread on
// one loop.
#include "proxy/runtime/alt_svc_watch.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/quic_case.h"
#include "tests/support/test_certificate.h"

namespace gatehouse {
namespace {

using testing_support::NotingObserver;
using testing_support::QuicCase;
using Standing = AltSvcState::Standing;

constexpr std::size_t kWorkers = 3;

class AltSvcWatchTest : public testing::Test {
 protected:
  // One worker's half of the listener.
  struct Half {
    Half(AltSvcWatchTest& test, Fd socket, std::size_t worker)
        : listener(test.context, std::move(socket),
                   {.group = test.bound.groups.front(), .worker = worker, .secrets = test.secrets, .options = {}}) {}
    QuicListener listener;
  };

  AltSvcWatchTest() {
    policy->alt_svc = "h3=\":443\"";
    policy->alt_svc_state = bound.alt_svc_state = std::make_shared<AltSvcState>();
    context.policy = policy;
    context.tls = QuicCaseTls::contexts();
    bind();
  }
  ~AltSvcWatchTest() override {
    workers.clear();
    loop.turn(EventLoop::Wait::kNever);
  }
  struct QuicCaseTls : QuicCase {
    static std::shared_ptr<const TlsContexts> contexts() { return tls(); }
  };

  void bind() {
    workers.clear();
    auto binding = QuicGroup::bind(Address::parse("127.0.0.1:0").value(), kWorkers, {}).value();
    bound.groups = {binding.group};
    bound.quic = true;
    for (std::size_t i = 0; i < kWorkers; ++i) {
      workers.push_back(std::make_unique<Half>(*this, std::move(binding.sockets[i]), i));
    }
  }
  void adopt() {
    Snapshot snapshot;
    snapshot.listeners.push_back({.name = "a", .address = {}, .policy = policy});
    watch.adopt(snapshot, {{"a", bound}});
  }
  void offer_nothing() {
    auto silent = std::make_shared<ListenerPolicy>(*policy);
    silent->alt_svc.clear();
    Snapshot snapshot;
    snapshot.listeners.push_back({.name = "a", .address = {}, .policy = silent});
    watch.adopt(snapshot, {{"a", bound}});
  }
  void until(Standing standing) {
    while (policy->alt_svc_state->standing() != standing) loop.turn(EventLoop::Wait::kForEvents);
  }
  std::string_view said() const { return policy->alt_svc_now(); }

  EventLoop loop;
  NotingObserver observer;
  ExchangeContext exchanges{.loop = loop, .observer = observer, .make_responder = [](Exchange&) { return nullptr; }};
  ListenerCounters counters;
  ListenerContext context{.loop = loop,
                          .exchanges = exchanges,
                          .policy = nullptr,
                          .tls = nullptr,
                          .counters = counters,
                          .connections = ConnectionList(loop)};
  QuicSecrets secrets = QuicSecrets::random();
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  BoundListener bound;
  std::vector<std::unique_ptr<Half>> workers;
  AltSvcWatch watch{loop};
};

TEST_F(AltSvcWatchTest, IsAdvertisedOnceEveryWorkerHasAnswered) {
  EXPECT_EQ(said(), "");
  adopt();
  EXPECT_EQ(said(), "");
  until(Standing::kAdvertised);
  EXPECT_EQ(said(), "h3=\":443\"");
  EXPECT_GE(counters.datagrams_received.value(), kWorkers);
}

TEST_F(AltSvcWatchTest, OneWorkerThatServesNobodyIsEnoughToWithdrawIt) {
  adopt();
  until(Standing::kAdvertised);
  workers.back()->listener.drain();
  until(Standing::kWithdrawn);
  EXPECT_EQ(said(), "clear");
  EXPECT_NE(policy->alt_svc_state->reason().find("refused"), std::string::npos);
}

TEST_F(AltSvcWatchTest, ADeadPortIsWithdrawnAndComesBack) {
  adopt();
  until(Standing::kAdvertised);
  workers.clear();
  until(Standing::kWithdrawn);
  EXPECT_EQ(said(), "clear");
  bind();
  adopt();
  EXPECT_EQ(said(), "clear") << "until it is proven again";
  until(Standing::kAdvertised);
}

TEST_F(AltSvcWatchTest, AReloadThatChangesNothingChangesNothing) {
  adopt();
  until(Standing::kAdvertised);
  adopt();
  EXPECT_EQ(said(), "h3=\":443\"");
}

TEST_F(AltSvcWatchTest, WhatIsSwitchedOffIsTakenBackIfItWasSaid) {
  offer_nothing();
  EXPECT_EQ(policy->alt_svc_state->standing(), Standing::kUnproven);
  adopt();
  until(Standing::kAdvertised);
  offer_nothing();
  EXPECT_EQ(said(), "clear");
}

TEST_F(AltSvcWatchTest, AListenerThatGoesTakesItBack) {
  adopt();
  until(Standing::kAdvertised);
  watch.adopt(Snapshot(), {});
  EXPECT_EQ(said(), "clear");
}

TEST_F(AltSvcWatchTest, AServerThatDrainsTakesItBackForGood) {
  adopt();
  until(Standing::kAdvertised);
  watch.drain();
  EXPECT_EQ(said(), "clear");
  EXPECT_NE(policy->alt_svc_state->reason().find("drains"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse
