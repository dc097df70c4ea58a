#include "proxy/forward/retry.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

bool is_connect(Fault fault) {
  return fault == Fault::kConnectRefused || fault == Fault::kConnectFailed || fault == Fault::kConnectTimeout;
}

bool is_death(Fault fault) {
  return fault == Fault::kUpstreamReset || fault == Fault::kUpstreamClosed;
}

// Every combination there is: a request may run twice in none of those where it must not.
TEST(RetryTest, HoldsItsRuleInEveryCombination) {
  for (std::size_t number = 0; number < kFaultCount; ++number) {
    for (unsigned bits = 0; bits < 32; ++bits) {
      for (std::uint32_t attempts = 1; attempts <= 4; ++attempts) {
        const auto fault = static_cast<Fault>(number);
        const retry::Facts facts{.failure = {.fault = fault,
                                             .reused = (bits & 1) != 0,
                                             .answered = (bits & 2) != 0,
                                             .unread = (bits & 4) != 0},
                                 .idempotent = (bits & 8) != 0,
                                 .body_untouched = (bits & 16) != 0,
                                 .attempts = attempts};
        const auto decision = retry::decide(facts);
        if (!facts.body_untouched || attempts >= retry::kMaxAttempts) {
          EXPECT_FALSE(decision.has_value());
        } else if (is_connect(fault)) {
          EXPECT_EQ(decision, RetryReason::kConnect);
        } else if (!is_death(fault) || facts.failure.answered) {
          EXPECT_FALSE(decision.has_value());
        } else if (facts.failure.unread) {
          EXPECT_EQ(decision, RetryReason::kUnread);
        } else if (facts.failure.reused && facts.idempotent) {
          EXPECT_EQ(decision, RetryReason::kStale);
        } else {
          EXPECT_FALSE(decision.has_value());
        }
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse
