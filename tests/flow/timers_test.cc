// Every timer of the proxy at once, in every order, while requests and answers are anywhere on their way: each request
// has one end, no permit or connection is lost, and those who come afterwards are served.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/flow/flow.h"
#include "tests/support/disorder.h"

namespace gatehouse::flow {
namespace {

using namespace testing_support;

constexpr int kRuns = 25;

void begin_requests(Flow& flow, Random& random) {
  for (std::size_t i = 1 + up_to(random, 4); i > 0; --i) {
    const std::string target = "/" + std::to_string(i);
    if (up_to(random, 1) == 0) {
      flow.get(target);
      continue;
    }
    const Stream stream = flow.open_post(BodyLength::known(200'000), target);
    flow.client().send(stream, pattern(up_to(random, 1) == 0 ? 200'000 : up_to(random, 100'000)));
    if (up_to(random, 3) == 0) flow.client().stop_reading(stream);
    if (up_to(random, 5) == 0) flow.client().reset(stream);
  }
}

void say_something(App& app, Random& random) {
  static const std::array<std::string, 6> kSayings = {"",
                                                      "HTTP/1.1 200 O",
                                                      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                                                      std::string(kChunkedOk) + chunk(pattern(20'000)),
                                                      "HTTP/1.1 103 Early Hints\r\n\r\n",
                                                      ok("all")};
  app.say_what_fits(one_of(random, kSayings));
  const std::size_t end = up_to(random, 5);
  if (end == 0) app.finish();
  if (end == 1) app.close();
  if (end == 2) app.reset();
}

class TimersTest : public testing::TestWithParam<Protocol> {};

TEST_P(TimersTest, AllAtOnceLeaveNothingBehind) {
  in_many_orders(kRuns, [](Random& random) {
    Flow flow(GetParam());
    flow.options.upstream.max_requests = static_cast<std::uint32_t>(up_to(random, 2));
    flow.options.unix_socket = up_to(random, 1) == 0;
    flow.options.refused_first = up_to(random, 3) == 0;
    flow.options.limits.max_request_body = up_to(random, 3) == 0 ? 150'000 : kUnlimited;
    begin_requests(flow, random);
    for (int round = 0; round < 3; ++round) {
      for (std::size_t turns = up_to(random, 6); turns > 0; --turns) flow.turn();
      while (App* const app = flow.visitor()) say_something(*app, random);
      if (up_to(random, 9) == 0) flow.front().close_now();
      flow.stall(random);
    }
    flow.forget_records();
    flow.finish();
  });
}

INSTANTIATE_TEST_SUITE_P(EachProtocol, TimersTest, testing::Values(Protocol::kH1, Protocol::kH2, Protocol::kH3),
                         [](const auto& each) { return std::string(label(each.param)); });

}  // namespace
}  // namespace gatehouse::flow
