// Drives an Exchange with neither codec nor endpoint: the test plays both halves, on a clock that stands still. Each
// test has one, on its own thread and loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "proxy/http/exchange/exchange.h"

namespace gatehouse::testing {

using std::chrono::milliseconds;

struct Recorder final : ExchangeObserver {
  void on_begin(const Exchange&) override { ++begun; }
  void on_end(const Exchange& exchange) override {
    ++ended;
    const ExchangeRecord& record = exchange.record();
    log = std::to_string(record.status) + " " + std::string(record.fault ? rule(*record.fault).label : "-") + " in " +
          std::to_string(exchange.bytes_in()) + " out " + std::to_string(exchange.bytes_out());
  }
  int begun = 0;
  int ended = 0;
  std::string log;
};

// Does what the test says when it starts; tells when it goes.
class Scripted final : public Responder {
 public:
  Scripted(std::function<void()> on_start, bool& alive) : on_start_(std::move(on_start)), alive_(alive) {
    alive_ = true;
  }
  ~Scripted() override { alive_ = false; }
  void start() override {
    if (on_start_) on_start_();
  }

 private:
  std::function<void()> on_start_;
  bool& alive_;
};

class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() {
    policy->exchange = {.max_request_body = 100,
                        .request_body_timeout = milliseconds(1000),
                        .response_write_timeout = milliseconds(500)};
  }

  void begin(RequestHead head = {.method = "GET", .authority = "a", .target = "/"}) {
    const ClientInfo client{.protocol = head.protocol, .listener = policy};
    exchange = std::make_unique<Exchange>(context, client, std::move(head), waker);
  }
  void begin_upload(BodyLength body = BodyLength::unknown()) {
    begin({.method = "POST", .authority = "a", .target = "/", .body = body});
  }
  void begin_faulty(Fault fault, RequestHead head = {.method = "GET"}) {
    exchange = std::make_unique<Exchange>(context, ClientInfo{.protocol = head.protocol, .listener = policy},
                                          std::move(head), waker, fault);
  }
  void turn() { loop.turn(EventLoop::Wait::kNever); }
  void advance(milliseconds by) {
    clock.advance(by);
    turn();
  }
  std::string end() {
    exchange.reset();
    EXPECT_EQ(recorder.begun, recorder.ended);
    return recorder.log;
  }
  std::string field(std::string_view name) const {
    return std::string(exchange->response()->fields.find(name).value_or("(none)"));
  }
  std::string read_all() { return exchange->response_body().read(1 << 20).to_string(); }

  ManualClock clock;
  EventLoop loop{clock};
  Recorder recorder;
  int wakes = 0;
  bool responder_alive = false;
  std::function<void()> on_start;
  Waker waker{loop, [this] { ++wakes; }};
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  ExchangeContext context{.loop = loop, .observer = recorder, .make_responder = [this](Exchange&) {
                            return std::make_unique<Scripted>(on_start, responder_alive);
                          }};
  std::unique_ptr<Exchange> exchange;
};

}  // namespace gatehouse::testing
