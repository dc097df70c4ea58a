// HTTP/3 frames and QPACK, in any order and cut anywhere, at an H3Session on streams in memory. The input is a list of
// operations (what, on which stream, how many bytes); this transport keeps to QUIC's own rules, so that only what a
// client can really do is done: streams open in order, nothing follows their end, only what was sent is acknowledged.
// It may go at any point. Timers that are due together run in an order that the input decides, and an operation lets
// all of them be due. What is held is bounded by what is under way, and the session asks for its transport no more
// often than there is a reason.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>

#include "common/timer_heap.h"
#include "proxy/frontend/h3/h3_session.h"
#include "tests/support/disorder.h"
#include "tests/support/quic_case.h"
#include "tests/support/session_play.h"

namespace gatehouse {
namespace {

using testing_support::NotingObserver;
using testing_support::ScriptedResponder;

constexpr std::size_t kMostOpen = 100;
constexpr std::uint64_t kWindow = 256 * 1024;
constexpr std::size_t kMostOfSession = 1UL << 20;
constexpr std::size_t kMostOfStream = 192UL * 1024;
constexpr std::size_t kMostCallsOfStep = 64;  // of the transport, and four for each stream that is open

void insist(bool fine) {
  if (!fine) std::abort();
}

void echo(Exchange& exchange) {
  auto& in = exchange.request_pipe().reader();
  auto& out = exchange.response_pipe().writer();
  if (out.ended()) return;
  if (!exchange.response()) exchange.respond({.body = BodyLength::unknown()});
  while (const std::size_t room = std::min(out.room(), in.available())) out.write(in.read(room));
  if (in.at_end()) out.finish(std::move(in.trailers()));
}

struct StreamState {
  std::uint64_t arrived = 0;
  std::uint64_t allowed = kWindow;
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  bool client_ended = false;
  bool we_ended = false;
  bool closed = false;
};

class MemoryTransport final : public H3Transport {
 public:
  void wake_flush() override { ++calls; }
  void credit_stream(std::int64_t stream, std::size_t bytes) override { streams[stream].allowed += bytes; }
  void credit_connection(std::size_t bytes) override { allowed += bytes; }
  void reset(std::int64_t stream, std::uint64_t /*code*/) override {
    ++calls;
    streams[stream].we_ended = true;
  }
  void stop_sending(std::int64_t /*stream*/, std::uint64_t /*code*/) override { ++calls; }
  void busy(bool /*is_busy*/) override { ++calls; }
  void finish(std::uint64_t /*code*/) override {
    ++calls;
    finished = true;
  }

  std::size_t calls = 0;
  std::map<std::int64_t, StreamState> streams;
  std::uint64_t allowed = 1 << 20;
  std::uint64_t arrived = 0;
  bool finished = false;
};

constexpr H3Options kOptions{.stream_window = kWindow, .window_growth = 0};

class Driver {
 public:
  explicit Driver(std::uint64_t seed)
      : chance_{.disorder = TimerDisorder(seed), .random = testing_support::Random(seed)} {
    policy_->exchange.max_request_body = 1 << 20;
    policy_->head.max_header_bytes = 4096;
    insist(session_->start({.control = 3, .encoder = 7, .decoder = 11}));
  }

  // Returns false if the session is over.
  bool step(std::uint8_t what, std::uint8_t which, std::span<const std::uint8_t> bytes) {
    bool fine = true;
    const std::size_t before = transport_.calls;
    switch (what % 10) {
      case 0:
        open();
        break;
      case 1:
        fine = arrive(request(which), bytes, false);
        break;
      case 2:
        fine = arrive(request(which), bytes, true);
        break;
      case 3:
        fine = arrive(2 + 4 * (which % 4), bytes, false);
        break;
      case 4:
        client_resets(request(which));
        break;
      case 5:
        fine = pull(which);
        break;
      case 6:
        fine = acknowledge(request(which));
        break;
      case 7:
        fine = close(request(which));
        break;
      case 8:
        clock_.advance(std::chrono::milliseconds(which * 50));
        if (which == 255) session_->drain();
        break;
      default:
        testing_support::stall(loop_, clock_, chance_.random);
        break;
    }
    loop_.turn(EventLoop::Wait::kNever);
    insist(transport_.calls <= before + kMostCallsOfStep + 4 * opened_ + bytes.size());
    insist(fuzz::held_memory() <= held_before_ + kMostOfSession + opened_ * kMostOfStream);
    return fine && !transport_.finished;
  }

  void end() {
    session_.reset();
    insist(observer_.running == 0);
  }

 private:
  std::int64_t request(std::uint8_t which) const { return opened_ == 0 ? -1 : 4 * (which % opened_); }

  void open() {
    const auto running = std::ranges::count_if(transport_.streams, [](const auto& s) { return !s.second.closed; });
    if (static_cast<std::size_t>(running) >= kMostOpen || opened_ >= 255) return;
    const std::int64_t id = 4 * opened_++;
    transport_.streams[id] = {};
    session_->opened(id);
  }

  bool arrive(std::int64_t id, std::span<const std::uint8_t> bytes, bool fin) {
    if (id < 0) return true;
    StreamState& s = transport_.streams[id];
    if (s.client_ended || s.closed) return true;
    const std::uint64_t room = std::min(s.allowed - s.arrived, transport_.allowed - transport_.arrived);
    if (bytes.size() > room) return true;
    s.arrived += bytes.size();
    transport_.arrived += bytes.size();
    s.client_ended = fin;
    const bool fine = session_->received(id, bytes, fin).has_value();
    // Whatever is consumed is given back at most once.
    insist(s.allowed <= s.arrived + 2 * kWindow && transport_.allowed <= transport_.arrived + (1 << 20));
    return fine;
  }

  void client_resets(std::int64_t id) {
    if (id < 0) return;
    StreamState& s = transport_.streams[id];
    if (s.client_ended || s.closed) return;
    s.client_ended = true;
    session_->client_reset(id);
  }

  bool pull(std::uint8_t mood) {
    for (int i = 0; i < 64; ++i) {
      H3Session::Piece piece;
      if (!session_->next(piece)) return false;
      if (piece.stream < 0) return true;
      StreamState& s = transport_.streams[piece.stream];
      const std::size_t offered = nghttp3_vec_len(piece.part.data(), piece.parts);
      if (s.we_ended) {
        session_->unwritable(piece.stream);
        continue;
      }
      if (mood % 7 == 3) {
        session_->blocked(piece.stream);
        session_->unblocked(piece.stream);
        return true;
      }
      const std::size_t taken = mood % 3 == 0 ? offered : std::min<std::size_t>(offered, mood);
      s.sent += taken;
      if (piece.fin && taken == offered) s.we_ended = true;
      if (!session_->sent(piece, taken)) return false;
      if (taken < offered) return true;
    }
    return true;
  }

  bool acknowledge(std::int64_t id) {
    if (id < 0 || transport_.streams[id].closed) return true;
    StreamState& s = transport_.streams[id];
    const std::uint64_t bytes = std::exchange(s.acknowledged, s.sent);
    return session_->acknowledged(id, s.sent - bytes).has_value();
  }

  bool close(std::int64_t id) {
    if (id < 0) return true;
    StreamState& s = transport_.streams[id];
    if (s.closed || !s.client_ended || !s.we_ended) return true;
    s.closed = true;
    return session_->closed(id, NGHTTP3_H3_NO_ERROR).has_value();
  }

  struct Chance {
    TimerDisorder disorder;
    testing_support::Random random;
  };

  Chance chance_;
  const std::size_t held_before_ = fuzz::held_memory();
  ManualClock clock_;
  EventLoop loop_{clock_};
  NotingObserver observer_;
  ExchangeContext exchanges_{.loop = loop_, .observer = observer_, .make_responder = [](Exchange& exchange) {
                               return std::make_unique<ScriptedResponder>(exchange, echo);
                             }};
  std::shared_ptr<ListenerPolicy> policy_ = std::make_shared<ListenerPolicy>();
  ListenerCounters counters_;
  ListenerContext context_{.loop = loop_,
                           .exchanges = exchanges_,
                           .policy = policy_,
                           .tls = nullptr,
                           .counters = counters_,
                           .connections = ConnectionList(loop_)};
  MemoryTransport transport_;
  std::uint8_t opened_ = 0;
  std::unique_ptr<H3Session> session_ = std::make_unique<H3Session>(context_, transport_, kOptions, H3Session::Peer{});
};

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> input(data, size);
  gatehouse::Driver driver(size);
  while (input.size() >= 4) {
    const std::size_t length = std::min(input[2] + std::size_t{256} * input[3], input.size() - 4);
    const bool goes_on = driver.step(input[0], input[1], input.subspan(4, length));
    input = input.subspan(4 + length);
    if (!goes_on) break;
  }
  driver.end();
  return 0;
}
