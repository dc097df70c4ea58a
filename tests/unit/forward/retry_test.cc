// The one decision that must never let a request run twice that may not: every combination, then the pairs that matter
// one by one.
#include "proxy/forward/retry.h"

#include <chrono>

#include <gtest/gtest.h>

#include "proxy/upstream/retry_budget.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using retry::Decision;
using retry::Where;

bool is_death(Fault fault) {
  return fault == Fault::kUpstreamReset || fault == Fault::kUpstreamClosed;
}

template <class Check>
void for_every_combination(Check&& check) {
  for (std::size_t number = 0; number < kFaultCount; ++number) {
    for (unsigned bits = 0; bits < 512; ++bits) {
      for (std::uint32_t attempts = 1; attempts <= 12; ++attempts) {
        check(retry::Facts{.failure = {.fault = static_cast<Fault>(number),
                                       .reused = (bits & 1) != 0,
                                       .responded = (bits & 2) != 0,
                                       .unread = (bits & 4) != 0,
                                       .unsent = (bits & 256) != 0},
                           .idempotent = (bits & 8) != 0,
                           .body_untouched = (bits & 16) != 0,
                           .app = (bits & 32) != 0,
                           .gone = (bits & 64) != 0,
                           .settled = (bits & 128) != 0,
                           .attempts = attempts});
      }
    }
  }
}

TEST(RetryTest, NeverRunsARequestTwiceThatMayNot) {
  for_every_combination([](const retry::Facts& facts) {
    const UpstreamConnection::Failure& failure = facts.failure;
    const bool may_have_run = !is_connect(failure.fault) && !failure.unread && !failure.unsent;
    const auto decision = retry::decide(facts);
    if (!decision) return;
    EXPECT_TRUE(facts.body_untouched);
    EXPECT_TRUE(facts.idempotent || !may_have_run);
    EXPECT_TRUE(is_connect(facts.failure.fault) || (is_death(facts.failure.fault) && !facts.failure.responded));
    EXPECT_LT(facts.attempts, 10U);
    const bool app_may_return = !may_have_run && (facts.gone || facts.app);
    EXPECT_TRUE(facts.gone || facts.attempts < 6U);
    EXPECT_TRUE(app_may_return || facts.attempts < 3U);
    EXPECT_FALSE(facts.settled && decision->where == Where::kOtherOrLater) << "it would never end";
    const bool free = !is_connect(failure.fault) && failure.unsent && failure.reused;
    EXPECT_EQ(decision->costs, !facts.gone && !free);
  });
}

TEST(RetryTest, ForgivesWhateverItMayWithinTheAttempts) {
  for_every_combination([](const retry::Facts& facts) {
    if (!facts.body_untouched || facts.attempts >= 3) return;
    const auto decision = retry::decide(facts);
    if (is_connect(facts.failure.fault)) {
      const bool replaced = facts.app && facts.failure.fault != Fault::kForeignListener;
      const Where where = replaced || facts.gone ? Where::kOtherOrWait : Where::kOther;
      EXPECT_EQ(decision, (Decision{RetryReason::kConnect, where, !facts.gone}));
    } else if (is_death(facts.failure.fault) && !facts.failure.responded && facts.failure.unsent) {
      EXPECT_EQ(decision->reason, RetryReason::kStale);
    } else if (is_death(facts.failure.fault) && !facts.failure.responded && facts.failure.unread) {
      EXPECT_EQ(decision->reason, RetryReason::kUnread);
    } else if (is_death(facts.failure.fault) && !facts.failure.responded && facts.idempotent) {
      const bool wanted = facts.failure.reused || facts.gone || facts.app;
      EXPECT_EQ(decision.has_value(), wanted);
    } else {
      EXPECT_FALSE(decision.has_value());
    }
  });
}

struct Pair {
  const char* name;
  retry::Facts facts;
  std::optional<Decision> decision;
};
class RetryPairTest : public ::testing::TestWithParam<Pair> {};

TEST_P(RetryPairTest, IsDecidedAsWritten) {
  EXPECT_EQ(retry::decide(GetParam().facts), GetParam().decision);
}

constexpr UpstreamConnection::Failure kRefused{.fault = Fault::kConnectRefused};
constexpr UpstreamConnection::Failure kForeign{.fault = Fault::kForeignListener};
constexpr UpstreamConnection::Failure kStaleDeath{.fault = Fault::kUpstreamClosed, .reused = true};
constexpr UpstreamConnection::Failure kUnsent{.fault = Fault::kUpstreamClosed, .reused = true, .unsent = true};
constexpr UpstreamConnection::Failure kFreshDeath{.fault = Fault::kUpstreamReset};
constexpr UpstreamConnection::Failure kUnread{.fault = Fault::kUpstreamReset, .unread = true};

INSTANTIATE_TEST_SUITE_P(
    Row, RetryPairTest,
    ::testing::Values(
        Pair{"ARefusedPost",
             {kRefused, false, true, false, false, false, 1},
             Decision{RetryReason::kConnect, Where::kOther, true}},
        Pair{"ARefusedPostWhoseBodyIsGone", {kRefused, false, false, false, false, false, 1}, std::nullopt},
        Pair{"ARefusedPostAtAnApp",
             {kRefused, false, true, true, false, false, 2},
             Decision{RetryReason::kConnect, Where::kOtherOrWait, true}},
        Pair{"ARefusedPostAtAnAppThatIsGone",
             {kRefused, false, true, true, true, false, 5},
             Decision{RetryReason::kConnect, Where::kOtherOrWait, false}},
        Pair{"APostAtAnAppInWhosePlaceAnotherUserListens",
             {kForeign, false, true, true, false, false, 1},
             Decision{RetryReason::kConnect, Where::kOther, true}},
        Pair{"TheThirdRefusal", {kRefused, true, true, false, false, false, 3}, std::nullopt},
        Pair{"TheThirdRefusalOfAnApp",
             {kRefused, true, true, true, false, false, 3},
             Decision{RetryReason::kConnect, Where::kOtherOrWait, true}},
        Pair{"TheSixthRefusalOfAnApp", {kRefused, true, true, true, false, false, 6}, std::nullopt},
        Pair{"AGetOnAStaleConnection",
             {kStaleDeath, true, true, false, false, false, 1},
             Decision{RetryReason::kStale, Where::kSame, true}},
        Pair{"APostOnAStaleConnection", {kStaleDeath, false, true, false, false, false, 1}, std::nullopt},
        Pair{
            "APostOnAStaleConnectionToAnAppThatIsGone", {kStaleDeath, false, true, true, true, false, 1}, std::nullopt},
        Pair{"APostThatNeverLeftOnAStaleConnection",
             {kUnsent, false, true, false, false, false, 1},
             Decision{RetryReason::kStale, Where::kSame, false}},
        Pair{"APostThatNeverLeftWhoseBodyIsGone", {kUnsent, false, false, false, false, false, 1}, std::nullopt},
        Pair{"AGetOnAFreshConnection", {kFreshDeath, true, true, false, false, false, 1}, std::nullopt},
        Pair{"AGetOnAFreshConnectionToAnApp",
             {kFreshDeath, true, true, true, false, false, 1},
             Decision{RetryReason::kStale, Where::kOtherOrLater, true}},
        Pair{"AGetOnAFreshConnectionToAnAppThatLives",
             {kFreshDeath, true, true, true, false, true, 2},
             Decision{RetryReason::kStale, Where::kOtherOrSame, true}},
        Pair{"TheThirdDeathAtAnApp", {kFreshDeath, true, true, true, false, false, 3}, std::nullopt},
        Pair{"TheThirdDeathAtAppsThatAreGone", {kFreshDeath, true, true, true, true, false, 3}, std::nullopt},
        Pair{"AGetOnAFreshConnectionToAnAppThatIsGone",
             {kFreshDeath, true, true, true, true, false, 2},
             Decision{RetryReason::kStale, Where::kOtherOrWait, false}},
        Pair{"AnUnreadPost",
             {kUnread, false, true, false, false, false, 1},
             Decision{RetryReason::kUnread, Where::kSame, true}},
        Pair{"AnUnreadPostToAnApp",
             {kUnread, false, true, true, false, false, 1},
             Decision{RetryReason::kUnread, Where::kOtherOrLater, true}},
        Pair{"AnUnreadPostToAnAppThatIsGone",
             {kUnread, false, true, true, true, false, 1},
             Decision{RetryReason::kUnread, Where::kOtherOrWait, false}}),
    [](const auto& row) { return row.param.name; });

TEST(RetryTest, OnlyWhatAnEndpointDidItselfSpeaksAgainstIt) {
  EXPECT_TRUE(retry::is_endpoints_fault(kRefused));
  EXPECT_TRUE(retry::is_endpoints_fault(kForeign));
  EXPECT_TRUE(retry::is_endpoints_fault(kFreshDeath));
  EXPECT_FALSE(retry::is_endpoints_fault(kStaleDeath));
  EXPECT_TRUE(retry::is_endpoints_fault({.fault = Fault::kUpstreamTimeout}));
  EXPECT_FALSE(retry::is_endpoints_fault({.fault = Fault::kRequestBodyInvalid}));
}

int spend_all(RetryBudget& budget, MonotonicTime now) {
  int spent = 0;
  for (; budget.allows(now); ++spent) budget.spend();
  return spent;
}

TEST(RetryBudgetTest, IsAFifthOfTheRequestsAndThreeASecond) {
  MonotonicTime now{1h};
  RetryBudget budget;
  EXPECT_EQ(spend_all(budget, now), 10);
  EXPECT_EQ(spend_all(budget, now), 0);
  for (int i = 0; i < 101; ++i) budget.on_request();
  EXPECT_EQ(spend_all(budget, now), 20);
  EXPECT_EQ(spend_all(budget, now + 1s), 3);
  EXPECT_EQ(spend_all(budget, now + 2s), 3);
  EXPECT_EQ(spend_all(budget, now + 1h), 10);
}

TEST(RetryBudgetTest, SavesUpToABound) {
  RetryBudget budget;
  const MonotonicTime now{1h};
  for (int i = 0; i < 100'000; ++i) budget.on_request();
  EXPECT_EQ(spend_all(budget, now), 510);
}

}  // namespace
}  // namespace gatehouse
