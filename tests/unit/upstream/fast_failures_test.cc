// What becomes of an endpoint whose answers are errors that cost it no time: simulated clients on a clock of their own.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/upstream/balancer.h"
#include "tests/support/endpoint_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

// How an endpoint answers.
struct Manner {
  std::chrono::microseconds takes{20ms};
  bool errs = false;
};

// Clients that ask again as soon as they have an answer.
class Crowd {
 public:
  explicit Crowd(std::vector<Manner> manners) : manners_(std::move(manners)) {
    std::vector<Address> addresses;
    for (std::size_t i = 0; i < manners_.size(); ++i) {
      addresses.push_back(Address::parse("127.0.0.1:" + std::to_string(kFirstPort + i)).value());
    }
    upstream_ = upstream_of(addresses, {});
    table_.emplace(upstream_->membership().set(), "shop", upstream_->options());
  }

  void set(std::size_t endpoint, const Manner& manner) { manners_[endpoint] = manner; }
  const Endpoint& at(std::size_t endpoint) const { return *table_->members()[endpoint].endpoint; }

  // How many of `requests` each endpoint got.
  std::vector<std::size_t> ask(std::size_t requests, std::size_t clients = 16) {
    std::vector<std::size_t> counts(manners_.size());
    for (std::size_t i = 0; i < clients; ++i) free_.push_back(now_);
    for (std::size_t i = 0; i < requests; ++i) {
      while (free_.empty()) end_first();
      free_.pop_back();
      ++counts[begin()];
    }
    while (!running_.empty()) end_first();
    free_.clear();
    return counts;
  }

 private:
  static constexpr std::size_t kFirstPort = 5000;

  struct Running {
    std::chrono::microseconds end;
    std::size_t endpoint;
    Permit permit;
  };

  std::size_t begin() {
    const PickRequest request{.table = &*table_, .upstream = upstream_.get()};
    const EndpointSet::Member* member = Balancer::of(Balance::kLeastRequests).pick(request);
    const auto index = static_cast<std::size_t>(member - table_->members().data());
    running_.push_back(
        {.end = now_ + manners_[index].takes, .endpoint = index, .permit = Permit::take(member->endpoint, 0).value()});
    return index;
  }

  void end_first() {
    const auto first = std::ranges::min_element(running_, {}, &Running::end);
    now_ = first->end;
    const std::shared_ptr<Endpoint>& endpoint = table_->members()[first->endpoint].endpoint;
    if (manners_[first->endpoint].errs) {
      endpoint->erred();
    } else {
      endpoint->succeeded();
    }
    running_.erase(first);
    free_.push_back(now_);
  }

  std::vector<Manner> manners_;
  std::shared_ptr<Upstream> upstream_;
  std::optional<BalanceTable> table_;
  std::chrono::microseconds now_{0};
  std::vector<Running> running_;
  std::vector<std::chrono::microseconds> free_;
};

constexpr Manner kFailsAtOnce{.takes = 100us, .errs = true};

TEST(FastFailuresTest, AnEndpointThatFailsAtOnceGetsAboutItsFairShare) {
  Crowd crowd({{}, {}, kFailsAtOnce});
  const std::vector<std::size_t> counts = crowd.ask(6000);
  EXPECT_LE(counts[2], 2400U);  // 40 %
  EXPECT_GE(counts[2], 600U) << "it would not be seen when it is well again";
  EXPECT_NEAR(static_cast<double>(counts[0]), static_cast<double>(counts[1]), 400);
}

TEST(FastFailuresTest, OneOfTwoGetsHalf) {
  Crowd crowd({{}, kFailsAtOnce});
  EXPECT_LE(crowd.ask(6000)[1], 3300U);
}

TEST(FastFailuresTest, OneThatIsWellAgainIsBelievedAgain) {
  Crowd crowd({{}, {}, kFailsAtOnce});
  crowd.ask(1000);
  EXPECT_GT(crowd.at(2).error_share(), Endpoint::kAllErrors / 2);
  crowd.set(2, {.takes = 1ms});
  crowd.ask(1000);
  EXPECT_EQ(crowd.at(2).error_share(), 0U);
  EXPECT_GT(crowd.ask(3000)[2], 1500U) << "it is the fastest";
}

TEST(FastFailuresTest, ASlowFailureIsStillAvoided) {
  Crowd crowd({{}, {}, {.takes = 200ms, .errs = true}});
  EXPECT_LE(crowd.ask(6000)[2], 900U);
}

}  // namespace
}  // namespace gatehouse
