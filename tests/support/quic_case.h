// A fixture for tests of the QUIC front without sockets: a manual clock, one loop, a listener in memory mode, clients
// that talk to it through queues, and a responder that a test scripts. Time passes only by pass().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/event_loop.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/frontend/quic/quic_listener.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/h3_client.h"
#include "tests/support/test_certificate.h"

namespace gatehouse::testing_support {

// What became of an exchange, as the access log would have it.
struct EndedQuicExchange {
  std::string target;
  std::uint16_t status = 0;
  std::optional<Fault> fault;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

class NotingObserver final : public ExchangeObserver {
 public:
  void on_begin(const Exchange& /*exchange*/) override { ++running; }
  void on_end(const Exchange& exchange) override {
    --running;
    ended.push_back({.target = exchange.request().target,
                     .status = exchange.record().status,
                     .fault = exchange.record().fault,
                     .bytes_in = exchange.bytes_in(),
                     .bytes_out = exchange.bytes_out()});
  }

  int running = 0;
  std::vector<EndedQuicExchange> ended;
};

// Does what the test tells it to: `script` runs at the start, and again whenever either pipe has moved.
class ScriptedResponder final : public Responder {
 public:
  using Script = std::function<void(Exchange&)>;
  ScriptedResponder(Exchange& exchange, Script script)
      : exchange_(exchange), script_(std::move(script)), waker_(exchange.loop(), [this] { script_(exchange_); }) {
    exchange_.request_pipe().reader().set_waker(&waker_);
    exchange_.response_pipe().writer().set_waker(&waker_);
  }
  ~ScriptedResponder() override {
    exchange_.request_pipe().reader().set_waker(nullptr);
    exchange_.response_pipe().writer().set_waker(nullptr);
  }
  void start() override { script_(exchange_); }

 private:
  Exchange& exchange_;
  Script script_;
  Waker waker_;
};

class QuicCase : public ::testing::Test {
 protected:
  QuicCase() {
    policy->name = "test";
    policy->secure = true;
  }
  ~QuicCase() override {
    listener.reset();
    loop.turn(EventLoop::Wait::kNever);
  }

  static std::shared_ptr<const TlsContexts> tls() {
    static const auto kContexts = [] {
      const PemPair pem = make_certificate();
      TlsOptions options;
      options.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()};
      return TlsContexts::make(options).value();
    }();
    return kContexts;
  }

  void listen() {
    context.policy = policy;
    listener = std::make_unique<QuicListener>(
        context, [this](const UdpDatagram& datagram) { to_clients(datagram); }, address,
        QuicListener::Dependencies{.group = workers_group, .worker = 0, .secrets = secrets, .options = options});
  }

  H3Client& connect(H3Client::Dependencies dependencies) {
    if (!listener) listen();
    dependencies.to_server = [this](const UdpDatagram& datagram) {
      ++network.datagrams_in;
      if (network.cut) return;
      if (network.reroute) return network.reroute(datagram);
      if (listener) listener->receive(datagram);
    };
    clients.push_back(std::make_unique<H3Client>(std::move(dependencies)));
    return *clients.back();
  }
  H3Client& connect() { return connect({.clock = clock, .to_server = {}}); }

  // As long as anything moves without the clock.
  void settle() {
    for (int quiet = 0; quiet < 2;) {
      bool moved = false;
      for (std::size_t i = 0; i < clients.size(); ++i) moved = clients[i]->step() || moved;
      loop.turn(EventLoop::Wait::kNever);
      quiet = moved ? 0 : quiet + 1;
    }
  }
  // In small steps, so that timers of both sides are as punctual as in life.
  void pass(Duration time) {
    constexpr Duration kStep = std::chrono::milliseconds(5);
    for (; time > Duration::zero(); time -= kStep) {
      clock.advance(std::min(time, kStep));
      settle();
    }
  }
  H3Client& connected() {
    H3Client& client = connect();
    for (int i = 0; i < 100 && !client.connected(); ++i) pass(std::chrono::milliseconds(5));
    EXPECT_TRUE(client.connected());
    return client;
  }
  template <class Condition>
  void until(Condition condition) {
    for (int i = 0; i < 4000 && !condition(); ++i) pass(std::chrono::milliseconds(5));
    EXPECT_TRUE(condition()) << "what the test waits for did not happen";
  }

  virtual void to_clients(const UdpDatagram& datagram) {
    ++network.datagrams_out;
    network.bytes_out += datagram.bytes.size();
    if (network.cut) return;
    for (const auto& client : clients) client->receive(datagram);  // each takes what is for its address
  }

  ManualClock clock;
  EventLoop loop{clock};
  NotingObserver observer;
  ScriptedResponder::Script script = [](Exchange& exchange) { exchange.respond({}, "hello\n"); };
  ExchangeContext exchanges{.loop = loop, .observer = observer, .make_responder = [this](Exchange& exchange) {
                              return std::make_unique<ScriptedResponder>(exchange, script);
                            }};
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  ListenerCounters counters;
  ListenerContext context{.loop = loop,
                          .exchanges = exchanges,
                          .policy = policy,
                          .tls = tls(),
                          .counters = counters,
                          .connections = ConnectionList(loop)};
  Address address = Address::parse("127.0.0.1:4433").value();
  QuicSecrets secrets = QuicSecrets::random();
  QuicOptions options;
  std::vector<std::unique_ptr<H3Client>> clients;
  std::shared_ptr<QuicGroup> workers_group;  // none, if the test sets none
  std::unique_ptr<QuicListener> listener;
  struct Network {
    bool cut = false;                                 // everything is lost
    std::function<void(const UdpDatagram&)> reroute;  // where clients' datagrams go instead of to the listener
    std::size_t datagrams_in = 0;
    std::size_t datagrams_out = 0;
    std::size_t bytes_out = 0;
  } network;
};

}  // namespace gatehouse::testing_support
