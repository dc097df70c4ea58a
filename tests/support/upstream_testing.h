// What tests of the upstream half share: a loop with a manual clock, pools that count, and exchanges without a codec
// whose client half is the test. Everything belongs to the test's thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/event_loop.h"
#include "proxy/forward/routing.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/upstream/upstream_pools.h"
#include "tests/support/endpoint_testing.h"
#include "tests/support/scripted_endpoint.h"

namespace gatehouse::testing_support {

class CountingObserver final : public ExchangeObserver {
 public:
  void on_begin(const Exchange&) override { ++begun; }
  void on_end(const Exchange& exchange) override {
    ++ended;
    last_fault = exchange.record().fault;
  }

  int begun = 0;
  int ended = 0;
  std::optional<Fault> last_fault;
};

// The clock that tests move; one worker's loop and upstream half.
class UpstreamWorld {
 public:
  explicit UpstreamWorld(std::shared_ptr<DescriptorBudget> descriptors = nullptr)
      : loop(clock),
        pools(loop,
              {.endpoint = [this](const Endpoint& endpoint) -> EndpointCounters& {
                 return endpoint_counters[endpoint.name()];
               },
               .upstream = [this](std::string_view name) -> UpstreamCounters& {
                 return upstream_counters[std::string(name)];
               }},
              std::move(descriptors)) {}

  // Turns until `done`; fails the test after some seconds of real time. What is waited for comes from sockets of this
  // very process, so that it is there at once or never.
  bool turn_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "what the test waits for did not happen";
        return false;
      }
      loop.turn(EventLoop::Wait::kNever);
    }
    return true;
  }
  // Enough turns for everything that is on its way to arrive and have its consequences.
  void settle() {
    for (int i = 0; i < 8; ++i) loop.turn(EventLoop::Wait::kNever);
  }
  void advance(Duration by) {
    clock.advance(by);
    settle();
  }
  ScriptedConnection accept(ScriptedEndpoint& endpoint) {
    std::optional<ScriptedConnection> connection;
    turn_until([&] { return (connection = endpoint.accept()).has_value(); });
    return connection ? *std::move(connection) : ScriptedConnection(Fd());
  }
  // Until the head of a request is there, and its whole text.
  std::string request_of(ScriptedConnection& connection) {
    turn_until([&] { return connection.received().find("\r\n\r\n") != std::string::npos || connection.ended(); });
    settle();
    return connection.received();
  }

  ManualClock clock;
  EventLoop loop;
  std::map<std::string, EndpointCounters> endpoint_counters;
  std::map<std::string, UpstreamCounters> upstream_counters;
  CountingObserver observer;
  UpstreamPools pools;
  EarlyHints hints;
};

// An exchange and its client half.
class TestExchange {
 public:
  TestExchange(UpstreamWorld& world, const std::shared_ptr<const RouteTable>& routes, RequestHead head,
               ClientInfo client = {})
      : context_{.loop = world.loop,
                 .observer = world.observer,
                 .make_responder =
                     [&world, routes](Exchange& e) {
                       return make_responder(e, {.configured = routes}, world.pools, world.hints);
                     }},
        waker_(world.loop, [this] { progress(); }),
        exchange_(std::make_unique<Exchange>(context_, std::move(client), std::move(head), waker_)) {
    if (exchange_->request().body.is_empty()) exchange_->request_body().finish();
  }

  Exchange& operator*() { return *exchange_; }
  Exchange* operator->() { return exchange_.get(); }
  void destroy() { exchange_.reset(); }

  int status() const { return exchange_->response() ? exchange_->response()->status : 0; }
  bool complete() const { return exchange_->responded(); }
  bool over() const { return complete() || exchange_->broken_off().has_value(); }

  bool reading = true;  // false: the client does not read its answer
  std::string body;
  std::vector<std::uint16_t> interims;

 private:
  void progress() {
    while (auto head = exchange_->take_interim()) interims.push_back(head->status);
    while (reading && exchange_->response_body().available() > 0) {
      body += exchange_->response_body().read(64UL * 1024).to_string();
    }
  }

  ExchangeContext context_;
  Waker waker_;
  std::unique_ptr<Exchange> exchange_;
};

inline RequestHead request_head(std::string method, std::string target = "/", BodyLength body = {}) {
  RequestHead head;
  head.method = std::move(method);
  head.authority = "shop.example.com";
  head.target = std::move(target);
  head.body = body;
  head.accepts_trailers = true;
  return head;
}

inline std::shared_ptr<const RouteTable> routes_to(std::shared_ptr<const Upstream> upstream, Route route = {}) {
  if (route.name.empty()) route.name = "all";
  route.action = ForwardTo{std::move(upstream)};
  std::vector<Route> routes;
  routes.push_back(std::move(route));
  return std::make_shared<const RouteTable>(std::move(routes));
}

inline constexpr std::string_view kOkResponse = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

// One endpoint behind one route, and how to play a whole exchange with it.
class ForwardingTest : public ::testing::Test {
 protected:
  TestExchange exchange(const std::string& method, BodyLength body = {}) {
    return {world, routes, request_head(method, "/", body)};
  }
  // One exchange from end to end; returns what the endpoint got.
  std::string carry(TestExchange& e, ScriptedConnection& connection, std::string_view response) {
    const std::string request = world.request_of(connection);
    connection.forget();
    connection.send(response);
    world.turn_until([&] { return e.over(); });
    world.settle();
    return request;
  }
  ScriptedConnection kept_connection() {
    TestExchange e{world, routes, request_head("GET")};
    ScriptedConnection connection = world.accept(endpoint);
    carry(e, connection, kOkResponse);
    EXPECT_EQ(e.body, "hello");
    return connection;
  }
  std::size_t idle() { return world.endpoint_counters[endpoint.address().to_string()].connections_idle.value(); }
  std::size_t active() { return world.endpoint_counters[endpoint.address().to_string()].connections_active.value(); }

  UpstreamWorld world;
  ScriptedEndpoint endpoint;
  std::shared_ptr<Upstream> upstream = upstream_of({endpoint.address()});
  std::shared_ptr<const RouteTable> routes = routes_to(upstream);
};

}  // namespace gatehouse::testing_support
