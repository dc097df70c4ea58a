// What the log says of endpoints that fail: when, in which words, and how often.
#include "proxy/discovery/failing_endpoints.h"

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/endpoint_testing.h"

namespace gatehouse {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

constexpr EndpointFailure kRefused{.fault = Fault::kConnectRefused, .error = ECONNREFUSED};
using Lines = std::vector<std::string>;

class FailingEndpointsTest : public ::testing::Test {
 protected:
  explicit FailingEndpointsTest(int count = 1) { make(count); }

  void make(int count) {
    std::vector<Address> addresses;
    for (int i = 0; i < count; ++i)
      addresses.push_back(Address::parse("127.0.0.1:" + std::to_string(5000 + i)).value());
    sets = {set_at(addresses)};
  }
  Endpoint& at(std::size_t index) const { return *sets[0]->members[index].endpoint; }
  // What is told a second later.
  Lines second() {
    now += 1s;
    Lines texts;
    for (const FailingEndpoints::Line& line : failing.look(sets, now)) {
      texts.push_back((line.trouble ? "! " : "") + line.text);
    }
    return texts;
  }
  Lines quiet_seconds(int count) {
    Lines all;
    for (int i = 0; i < count; ++i) {
      for (std::string& line : second()) all.push_back(std::move(line));
    }
    return all;
  }

  MonotonicTime now{1h};
  std::vector<std::shared_ptr<const EndpointSet>> sets;
  FailingEndpoints failing;
};

TEST_F(FailingEndpointsTest, ADeadEndpointIsToldOnceAndItsReturnWithWhatItCost) {
  EXPECT_EQ(second(), Lines());
  at(0).failed(kRefused);
  EXPECT_EQ(second(),
            Lines{"! upstream shop: 127.0.0.1:5000 fails: connect_refused (Connection refused); clients get 502"});
  for (int i = 0; i < 30; ++i) at(0).failed(kRefused);
  EXPECT_EQ(quiet_seconds(10), Lines());
  at(0).succeeded();
  EXPECT_EQ(quiet_seconds(5), Lines());
  EXPECT_EQ(second(), Lines{"upstream shop: 127.0.0.1:5000 answers again: 31 requests failed there in 11 s"});
  EXPECT_EQ(quiet_seconds(10), Lines());
}

TEST_F(FailingEndpointsTest, OneThatComesAndGoesIsOneTrouble) {
  at(0).failed(kRefused);
  EXPECT_EQ(second().size(), 1U);
  for (int i = 0; i < 20; ++i) {
    at(0).succeeded();
    EXPECT_EQ(quiet_seconds(2), Lines());
    at(0).failed(kRefused);
    at(0).succeeded();
    EXPECT_EQ(quiet_seconds(2), Lines());
  }
  EXPECT_EQ(quiet_seconds(5), Lines{"upstream shop: 127.0.0.1:5000 answers again: 21 requests failed there in 79 s"});
}

TEST_F(FailingEndpointsTest, ASingleAnswerInTimeThatDidNotComeIsNoTroubleYet) {
  at(0).failed({.fault = Fault::kUpstreamTimeout});
  EXPECT_EQ(second(), Lines());
  at(0).failed({.fault = Fault::kUpstreamTimeout});
  EXPECT_EQ(second(), Lines{"! upstream shop: 127.0.0.1:5000 fails: upstream_timeout; clients get 504"});
}

TEST_F(FailingEndpointsTest, EndedEjectionsAreNoSuccess) {
  for (int i = 0; i < 5; ++i) at(0).failed(kRefused);
  EXPECT_EQ(second().size(), 1U);
  at(0).count_anew();
  EXPECT_EQ(quiet_seconds(20), Lines());
}

TEST_F(FailingEndpointsTest, ManyAreOneLineForEachReason) {
  make(9);
  for (std::size_t i = 0; i < 7; ++i) at(i).failed(kRefused);
  at(7).failed({.status = 503});
  at(7).failed({.status = 503});
  EXPECT_EQ(
      second(),
      (Lines{"! upstream shop: 127.0.0.1:5007 fails: answers with status 503; clients get what it answers",
             "! upstream shop: 127.0.0.1:5000, 127.0.0.1:5001, 127.0.0.1:5002, 127.0.0.1:5003, 127.0.0.1:5004 and 2 "
             "more fail: connect_refused (Connection refused); its requests go to the others"}));
  for (std::size_t i = 0; i < 7; ++i) at(i).succeeded();
  EXPECT_EQ(
      quiet_seconds(6),
      Lines{"upstream shop: 127.0.0.1:5000, 127.0.0.1:5001, 127.0.0.1:5002, 127.0.0.1:5003, 127.0.0.1:5004 and 2 more "
            "answer again: 7 requests failed there in 1 s"});
}

TEST_F(FailingEndpointsTest, WhoHasLeftOrIsBeingStoppedIsForgotten) {
  make(2);
  at(0).failed(kRefused);
  at(1).failed(kRefused);
  EXPECT_EQ(second().size(), 1U);
  at(0).set(Obstacle::kNotServing);
  at(0).succeeded();
  const auto gone = std::exchange(sets, {});
  EXPECT_EQ(quiet_seconds(10), Lines());
  sets = gone;
  EXPECT_EQ(second().size(), 1U) << "it is in trouble, and new";
}

}  // namespace
}  // namespace gatehouse
