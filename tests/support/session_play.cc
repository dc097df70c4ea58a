#include "tests/support/session_play.h"

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto/random.h"
#include "common/slab_pool.h"
#include "common/timer_heap.h"
#include "tests/support/disorder.h"

// NOLINTNEXTLINE(readability-identifier-naming): the sanitizers' own name
extern "C" __attribute__((weak)) std::size_t __sanitizer_get_current_allocated_bytes();

namespace gatehouse::fuzz {

using namespace testing_support;

namespace {

constexpr std::size_t kMostBytes = 64UL * 1024;
// Of a connection with nothing under way: what has come and is not read yet, frames, tables, and both ways of the
// stream itself.
constexpr std::size_t kMostOfConnection = 1UL << 20;
constexpr std::size_t kMostOfExchange = 192UL * 1024;  // two pipes, and the answer that its responder has written
constexpr std::size_t kMostLeft = 256UL * 1024;        // of caches that outlive a connection
constexpr std::size_t kMostCallsOfTurn = 16;
constexpr int kPatience = 16;  // turns until nothing moves any more

// By the target: at once, with a body in pieces, never, or broken off.
void begin_response(Exchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (path == "/wait") return;
  if (path == "/break") {
    exchange.respond({.status = 200, .body = BodyLength::known(10)});
    write_response(exchange, "half");
    return exchange.fail(Fault::kUpstreamTruncated);
  }
  if (path == "/large") {
    exchange.respond({.status = 200, .body = BodyLength::unknown()});
    return write_response(exchange, std::string(60'000, 'x'));
  }
  exchange.respond_interim({.status = 103});
  exchange.respond({.status = 200}, "hello");
}

void go_on(Exchange& exchange) {
  take_request_body(exchange);
  if (!exchange.response()) {
    if (exchange.request_pipe().reader().at_end()) exchange.respond({.status = 200}, "got it");
    return;
  }
  BodyWriter& writer = exchange.response_pipe().writer();
  if (!writer.ended() && writer.room() > 0) writer.finish();
}

class Play {
 public:
  Play(const SessionInput& input, const MakeConnection& make)
      : random_(input.seed), eventful_(input.seed != 0), before_(held_memory()), disorder_(input.seed) {
    world_.emplace();
    world_->script = begin_response;
    auto [client, server] = MemoryStream::make_pair(world_->loop);
    client_ = std::move(client);
    server_ = server.get();
    make(world_->context, std::move(server));
  }

  void send(std::string_view piece) {
    if (!client_ || client_->peer_gone() || finished_) return turns(1);
    Buffer bytes(piece);
    client_->write(bytes);
    if (eventful_) {
      turns(up_to(random_, 3));
      happen();
    } else {
      turns(6);
      responders_go_on();
      turns(6);
      read();
    }
    check_memory();
  }

  void end() {
    advance(std::chrono::seconds(200));
    client_.reset();
    turns(6);
    // Who has closed its half is found out by a write: no responder is silent for ever.
    while (!world_->live.empty()) break_one();
    turns(6);
    if (eventful_) advance(kBeyondAllDeadlines);
    require(world_->context.connections.size() == 0, "a connection has outlived its client");
    require(world_->live.empty(), "a responder has outlived its connection");
    require(world_->begun == static_cast<int>(world_->ended.size()), "an exchange was not reported once");
    for (const auto& open : world_->counters.connections) require(open.value() == 0, "a connection is still counted");
    world_.reset();
    const std::size_t left = held_memory();
    require(!warm_ || left <= before_ + kMostLeft, "memory is left");
    warm_ = true;  // the first play makes what is there once: tables, contexts
  }

 private:
  void turns(std::size_t count) {
    for (; count > 0; --count) {
      const std::size_t before = calls();
      world_->loop.turn(EventLoop::Wait::kNever);
      require(calls() <= before + kMostCallsOfTurn, "a turn has done more than its share");
    }
  }
  std::size_t calls() const { return client_ && !client_->peer_gone() ? server_->reads() + server_->writes() : 0; }

  void happen() {
    switch (up_to(random_, 15)) {
      case 0:
        return advance(std::chrono::milliseconds(up_to(random_, 5000)));
      case 1:
        return stall(world_->loop, world_->clock, random_);
      case 2:
        finished_ = true;
        return client_->shutdown_write();
      case 3:
        if (up_to(random_, 1) == 0) client_->abort_on_close();
        return client_.reset();
      case 4:
        return world_->context.connections.drain_all();
      case 5:
        return world_->context.connections.close_all();
      case 6:
        return client_->set_room(up_to(random_, 1000));
      case 7:
        return break_one();
      case 8:
        return come_to_rest();
      case 9:
      case 10:
      case 11:
        return responders_go_on();
      default:
        return read();
    }
  }

  void responders_go_on() {
    for (Exchange* exchange : std::vector(world_->live)) go_on(*exchange);
  }
  void break_one() {
    if (world_->live.empty()) return;
    Exchange& exchange = *one_of(random_, world_->live);
    std::erase(world_->live, &exchange);  // having failed, a responder has nothing more to say
    exchange.fail(Fault::kUpstreamReset);
  }
  void read() {
    Buffer response;
    client_->read(response, 64UL * 1024);
  }
  void advance(Duration by) {
    world_->clock.advance(by);
    turns(6);
  }
  // With the clock at rest and nothing to read, the proxy does nothing for ever.
  void come_to_rest() {
    turns(kPatience);
    const std::size_t before = calls();
    turns(4);
    require(calls() <= before, "it is busy with nothing");
  }
  void check_memory() const {
    const std::size_t most =
        kMostOfConnection + (static_cast<std::size_t>(world_->begun) - world_->ended.size()) * kMostOfExchange;
    require(held_memory() <= before_ + most, "more memory than is under way");
  }

  static inline bool warm_ = false;
  Random random_;
  const bool eventful_;
  const std::size_t before_;
  TimerDisorder disorder_;
  std::optional<FrontendWorld> world_;
  std::unique_ptr<MemoryStream> client_;
  MemoryStream* server_ = nullptr;
  bool finished_ = false;
};

}  // namespace

std::size_t held_memory() {
  const std::size_t heap = __sanitizer_get_current_allocated_bytes != nullptr
                               ? __sanitizer_get_current_allocated_bytes()
                               : mallinfo2().uordblks;
  return heap - std::min(heap, slab_pool::kept() * sizeof(Slab));
}

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << what << "\n";
  std::abort();
}

bool read_session_input(const std::uint8_t* data, std::size_t size, SessionInput& input) {
  constexpr std::size_t kHead = 3;
  if (size < kHead || size > kMostBytes) return false;
  input.piece = data[0];
  input.seed = static_cast<std::uint16_t>(data[1] | data[2] << 8U);
  input.bytes = std::string_view(reinterpret_cast<const char*>(data), size).substr(kHead);
  return true;
}

void play_session(const SessionInput& input, std::string_view before, const MakeConnection& make) {
  // With its first use OpenSSL makes tables that stay.
  [[maybe_unused]] static const std::uint64_t kSecret = random::secret();
  Play play(input, make);
  const std::string all = std::string(before) + std::string(input.bytes);
  const std::size_t piece = input.piece == 0 ? all.size() : input.piece;
  for (std::string_view rest = all; !rest.empty();) {
    play.send(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  play.end();
}

}  // namespace gatehouse::fuzz
