// What tests of the client half share: a worker's listener on a loop with a manual clock, responders that the test
// scripts, and HTTP/1 clients as text on memory streams. Everything belongs to the test's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/event_loop.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/h1/h1_connection.h"
#include "proxy/http/exchange/exchange.h"
#include "tests/support/memory_stream.h"

namespace gatehouse::testing_support {

// What the log would have been told.
struct EndedExchange {
  std::string method;
  std::string target;
  int status = 0;
  std::optional<Fault> fault;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

class FrontendWorld : public ExchangeObserver {
 public:
  using Script = std::function<void(Exchange&)>;

  explicit FrontendWorld(const std::function<void(ListenerPolicy&)>& change = {}) {
    auto made = std::make_shared<ListenerPolicy>();
    made->name = "test";
    if (change) change(*made);
    context.policy = std::move(made);
  }
  ~FrontendWorld() override {
    context.connections.close_all();
    settle();
  }
  FrontendWorld(const FrontendWorld&) = delete;
  FrontendWorld& operator=(const FrontendWorld&) = delete;

  void on_begin(const Exchange&) override { ++begun; }
  void on_end(const Exchange& exchange) override {
    ended.push_back({.method = exchange.request().method,
                     .target = exchange.request().target,
                     .status = exchange.record().status,
                     .fault = exchange.record().fault,
                     .bytes_in = exchange.bytes_in(),
                     .bytes_out = exchange.bytes_out()});
  }

  // Enough turns for everything to have its consequences.
  void settle() {
    for (int i = 0; i < 6; ++i) loop.turn(EventLoop::Wait::kNever);
  }
  void advance(Duration by) {
    clock.advance(by);
    settle();
  }

  // In pieces, for those that look several times before they give up.
  void pass(Duration time) {
    constexpr int kPieces = 64;
    for (int i = 0; i < kPieces; ++i) advance(time / kPieces);
  }

  ManualClock clock;
  EventLoop loop{clock};
  ListenerCounters counters;
  Script script = [](Exchange& exchange) { exchange.respond({.status = 200}, "hello"); };  // started exchanges
  std::vector<Exchange*> live;                                                             // started, not ended
  std::map<const Exchange*, std::shared_ptr<void>> kept;  // what goes with the responder of an exchange
  int begun = 0;
  std::vector<EndedExchange> ended;
  ExchangeContext exchanges{.loop = loop, .observer = *this, .make_responder = [this](Exchange& exchange) {
                              return std::unique_ptr<Responder>(std::make_unique<Scripted>(*this, exchange));
                            }};
  ListenerContext context{.loop = loop,
                          .exchanges = exchanges,
                          .policy = nullptr,
                          .tls = nullptr,
                          .counters = counters,
                          .connections = ConnectionList(loop)};

 private:
  class Scripted final : public Responder {
   public:
    Scripted(FrontendWorld& world, Exchange& exchange) : world_(world), exchange_(exchange) {}
    ~Scripted() override {
      world_.kept.erase(&exchange_);
      std::erase(world_.live, &exchange_);
    }
    void start() override {
      world_.live.push_back(&exchange_);
      world_.script(exchange_);
    }

   private:
    FrontendWorld& world_;
    Exchange& exchange_;
  };
};

inline RequestHead const& request_of(const FrontendWorld& world) {
  return world.live.at(0)->request();
}

// Everything that the client has sent of its body so far; gives the room back.
inline std::string take_request_body(Exchange& exchange) {
  return exchange.request_pipe().reader().read(static_cast<std::size_t>(-1)).to_string();
}

inline void write_response(Exchange& exchange, std::string_view bytes) {
  exchange.response_pipe().writer().write(Buffer(bytes));
}

// A client that sends text and collects text.
class TextClient {
 public:
  explicit TextClient(FrontendWorld& world, std::size_t room = MemoryStream::kRoom, bool secure = false)
      : world_(world) {
    auto [client, server] = MemoryStream::make_pair(world.loop, room);
    stream_ = std::move(client);
    server_ = server.get();
    ClientTransport transport{.stream = std::move(server), .peer = Address::parse("192.0.2.7:4711").value()};
    if (secure) transport.tls = std::make_shared<TlsSummary>();
    world.context.connections.add(std::make_unique<H1Connection>(world.context, std::move(transport)));
    world.settle();
  }

  void send(std::string_view text) {
    Buffer bytes(text);
    EXPECT_EQ(stream_->write(bytes).status, IoStatus::kOk);
    world_.settle();
  }
  // Everything that has come and was not asked for before.
  std::string receive() {
    Buffer bytes;
    while (stream_->read(bytes, 64UL * 1024).status == IoStatus::kOk) {
    }
    world_.settle();
    return bytes.to_string();
  }
  std::string ask(std::string_view text) {
    send(text);
    return receive();
  }
  // What the end of the stream looks like once everything is read.
  IoStatus end() {
    receive();
    Buffer bytes;
    return stream_->read(bytes, 1).status;
  }
  bool open() { return end() == IoStatus::kWouldBlock; }
  void finish_sending() {
    stream_->shutdown_write();
    world_.settle();
  }
  void vanish() {
    stream_.reset();
    world_.settle();
  }
  MemoryStream& stream() { return *stream_; }
  MemoryStream& server_stream() { return *server_; }  // while the connection lives

 private:
  FrontendWorld& world_;
  std::unique_ptr<MemoryStream> stream_;
  MemoryStream* server_ = nullptr;
};

inline std::string get(std::string_view target = "/", std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: shop.example.com\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view body, std::string_view fields = "") {
  return "POST /in HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}
// The answer's body: what follows its head, or the whole if there is none.
inline std::string body_of(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  return std::string(end == std::string_view::npos ? response : response.substr(end + 4));
}
inline std::string status_line(std::string_view response) {
  return std::string(response.substr(0, response.find("\r\n")));
}
inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace gatehouse::testing_support
