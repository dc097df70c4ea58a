// When HTTP/3 is advertised: every pair of events in both orders, without a socket.
#include "proxy/runtime/alt_svc_evidence.h"

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using Standing = AltSvcEvidence::Standing;
using ::testing::HasSubstr;

class AltSvcEvidenceTest : public testing::Test {
 protected:
  void passes(std::size_t times = 1) {
    for (std::size_t i = 0; i < times; ++i) evidence.probe_passed();
  }
  void fails(int times = AltSvcEvidence::kFailures) {
    for (int i = 0; i < times; ++i) evidence.probe_failed({.message = "no answer"});
  }
  Standing standing() const { return evidence.standing(now); }

  MonotonicTime now{1h};
  AltSvcEvidence evidence{2, Standing::kUnproven};
};

TEST_F(AltSvcEvidenceTest, NothingIsAdvertisedBeforeAWholeRoundHasPassed) {
  EXPECT_EQ(standing(), Standing::kUnproven);
  EXPECT_EQ(evidence.reason(now), "");
  passes();
  EXPECT_EQ(standing(), Standing::kUnproven);
  passes();
  EXPECT_EQ(standing(), Standing::kAdvertised);
  EXPECT_THAT(evidence.reason(now), HasSubstr("succeed"));
}

TEST_F(AltSvcEvidenceTest, OneFailureInTheRoundBeginsItAgain) {
  passes();
  fails(1);
  passes();
  EXPECT_EQ(standing(), Standing::kUnproven);
  EXPECT_THAT(evidence.reason(now), HasSubstr("no answer"));
  passes();
  EXPECT_EQ(standing(), Standing::kAdvertised);
}

TEST_F(AltSvcEvidenceTest, OnlyFailuresInARowWithdraw) {
  passes(2);
  for (int i = 0; i < 5; ++i) {
    fails(AltSvcEvidence::kFailures - 1);
    EXPECT_EQ(standing(), Standing::kAdvertised);
    passes();
  }
  fails();
  EXPECT_EQ(standing(), Standing::kWithdrawn);
  EXPECT_THAT(evidence.reason(now), HasSubstr("no answer"));
}

TEST_F(AltSvcEvidenceTest, WhatIsWithdrawnComesBackWithAWholeRound) {
  passes(2);
  fails();
  passes();
  EXPECT_EQ(standing(), Standing::kWithdrawn);
  passes();
  EXPECT_EQ(standing(), Standing::kAdvertised);
}

TEST_F(AltSvcEvidenceTest, WhatTheProcessIsShortOfTellsNothing) {
  passes();
  for (const int code : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) evidence.probe_failed({.message = "short", .code = code});
  EXPECT_EQ(standing(), Standing::kUnproven);
  passes();
  EXPECT_EQ(standing(), Standing::kAdvertised);
  fails(AltSvcEvidence::kFailures - 1);
  evidence.probe_failed({.message = "short", .code = EMFILE});
  EXPECT_EQ(standing(), Standing::kAdvertised);
  evidence.probe_failed({.message = "refused", .code = ECONNREFUSED});
  EXPECT_EQ(standing(), Standing::kWithdrawn);
}

// The process before this one may have told clients something else, who remember it.
TEST_F(AltSvcEvidenceTest, WhatNeverWorkedIsTakenBackAllTheSame) {
  fails(AltSvcEvidence::kFailures - 1);
  EXPECT_EQ(standing(), Standing::kUnproven);
  fails(1);
  EXPECT_EQ(standing(), Standing::kWithdrawn);
}

TEST_F(AltSvcEvidenceTest, AListenerWhoseFormerSelfWasKnownBeginsWithdrawn) {
  evidence = AltSvcEvidence(1, Standing::kWithdrawn);
  EXPECT_EQ(standing(), Standing::kWithdrawn);
  passes();
  EXPECT_EQ(standing(), Standing::kAdvertised);
}

TEST_F(AltSvcEvidenceTest, ClientsThatAllFailWithdrawUntilOneSucceeds) {
  passes(2);
  evidence.clients_fail(now);
  EXPECT_EQ(standing(), Standing::kWithdrawn);
  EXPECT_THAT(evidence.reason(now), HasSubstr("networks"));
  passes(5);  // the probe sees nothing of it
  EXPECT_EQ(standing(), Standing::kWithdrawn);
  evidence.client_succeeded();
  EXPECT_EQ(standing(), Standing::kAdvertised);
}

TEST_F(AltSvcEvidenceTest, ClientsThatAllFailAreForgottenAfterAWhile) {
  passes(2);
  evidence.clients_fail(now);
  now += AltSvcEvidence::kDoubt - 1ms;
  EXPECT_EQ(standing(), Standing::kWithdrawn);
  now += 1ms;
  EXPECT_EQ(standing(), Standing::kAdvertised);
}

// {what happens} x {what happens}: where two come to the same in both orders, and where the last one decides.
TEST_F(AltSvcEvidenceTest, PairsOfEvents) {
  struct Event {
    std::string name;
    std::function<void(AltSvcEvidence&)> happens;
  };
  const std::vector<Event> events = {
      {"round", [](auto& e) { e.probe_passed(), e.probe_passed(); }},
      {"dead",
       [](auto& e) {
         for (int i = 0; i < AltSvcEvidence::kFailures; ++i) e.probe_failed({.message = "gone"});
       }},
      {"clients fail", [this](auto& e) { e.clients_fail(now); }},
      {"client succeeds", [](auto& e) { e.client_succeeded(); }},
  };
  constexpr Standing U = Standing::kUnproven;
  constexpr Standing A = Standing::kAdvertised;
  constexpr Standing W = Standing::kWithdrawn;
  const std::vector<std::vector<Standing>> expected = {
      //        then: round, dead, clients fail, client succeeds
      {A, W, W, A},  // round
      {A, W, W, W},  // dead
      {W, W, U, U},  // clients fail
      {A, W, U, U},  // client succeeds
  };
  for (std::size_t first = 0; first < events.size(); ++first) {
    for (std::size_t second = 0; second < events.size(); ++second) {
      AltSvcEvidence fresh(2, Standing::kUnproven);
      events[first].happens(fresh);
      events[second].happens(fresh);
      EXPECT_EQ(label(fresh.standing(now)), label(expected[first][second]))
          << events[first].name << ", then " << events[second].name;
    }
  }
}

}  // namespace
}  // namespace gatehouse
