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
#include "proxy/http/exchange.h"

namespace gatehouse::testing {

using std::chrono::milliseconds;

struct Recorder final : ExchangeObserver {
  void on_begin(const Exchange&) override { ++begun; }
  void on_end(const Exchange& exchange) override {
    ++ended;
    const ExchangeRecord& record = exchange.record();
    log = std::to_string(record.status) + " " + std::string(record.fault ? rule(*record.fault).token : "-") + " in " +
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
    policy_->exchange = {
        .max_request_body = 100, .request_body_timeout = milliseconds(1000), .client_stall_timeout = milliseconds(500)};
  }

  void begin(RequestHead head = {.method = "GET", .authority = "a", .target = "/"}) {
    const ClientInfo client{.protocol = head.protocol, .listener = policy_};
    exchange_ = std::make_unique<Exchange>(context_, client, std::move(head), waker_);
  }
  void begin_upload(BodyLength body = BodyLength::unknown()) {
    begin({.method = "POST", .authority = "a", .target = "/", .body = body});
  }
  void begin_faulty(Fault fault, RequestHead head = {.method = "GET"}) {
    exchange_ = std::make_unique<Exchange>(context_, ClientInfo{.protocol = head.protocol, .listener = policy_},
                                           std::move(head), waker_, fault);
  }
  void turn() { loop_.turn(EventLoop::Wait::kNever); }
  void advance(milliseconds by) {
    clock_.advance(by);
    turn();
  }
  std::string end() {
    exchange_.reset();
    EXPECT_EQ(recorder_.begun, recorder_.ended);
    return recorder_.log;
  }
  std::string field(std::string_view name) const {
    return std::string(exchange_->response()->fields.find(name).value_or("(none)"));
  }
  std::string read_all() { return exchange_->response_body().read(1 << 20).to_string(); }

  ManualClock clock_;
  EventLoop loop_{clock_};
  Recorder recorder_;
  int wakes_ = 0;
  bool responder_alive_ = false;
  std::function<void()> on_start_;
  Waker waker_{loop_, [this] { ++wakes_; }};
  std::shared_ptr<ListenerPolicy> policy_ = std::make_shared<ListenerPolicy>();
  ExchangeContext context_{.loop = loop_, .observer = recorder_, .make_responder = [this](Exchange&) {
                             return std::make_unique<Scripted>(on_start_, responder_alive_);
                           }};
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace gatehouse::testing
