// HTTP/3 frames and QPACK, in any order and cut anywhere, at an H3Session on streams in memory. The input is a list of
// operations (what, on which stream, how many bytes); this transport keeps to QUIC's own rules, so that only what a
// client can really do is done: streams open in order, nothing follows their end, only what was sent is acknowledged.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>

#include "proxy/frontend/h3_session.h"
#include "tests/support/quic_case.h"

namespace gatehouse {
namespace {

using testing_support::NotingObserver;
using testing_support::ScriptedResponder;

constexpr std::size_t kMostOpen = 100;
constexpr std::uint64_t kWindow = 256 * 1024;

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
  void wake_flush() override {}
  void credit_stream(std::int64_t stream, std::size_t bytes) override { streams[stream].allowed += bytes; }
  void credit_connection(std::size_t bytes) override { allowed += bytes; }
  void reset(std::int64_t stream, std::uint64_t /*code*/) override { streams[stream].we_ended = true; }
  void stop_sending(std::int64_t /*stream*/, std::uint64_t /*code*/) override {}
  void busy(bool /*is_busy*/) override {}
  void finish(std::uint64_t /*code*/) override { finished = true; }

  std::map<std::int64_t, StreamState> streams;
  std::uint64_t allowed = 1 << 20;
  std::uint64_t arrived = 0;
  bool finished = false;
};

class Driver {
 public:
  Driver() {
    policy->exchange.max_request_body = 1 << 20;
    policy->head.max_header_bytes = 4096;
    insist(session->start({.control = 3, .encoder = 7, .decoder = 11}));
  }

  // False: the session is over.
  bool step(std::uint8_t what, std::uint8_t which, std::span<const std::uint8_t> bytes) {
    bool fine = true;
    switch (what % 9) {
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
      default:
        clock.advance(std::chrono::milliseconds(which * 50));
        if (which == 255) session->drain();
        break;
    }
    loop.turn(EventLoop::Wait::kNever);
    return fine && !transport.finished;
  }

  void end() {
    session.reset();
    insist(observer.running == 0);
  }

 private:
  std::int64_t request(std::uint8_t which) const { return opened == 0 ? -1 : 4 * (which % opened); }

  void open() {
    const auto running = std::ranges::count_if(transport.streams, [](const auto& s) { return !s.second.closed; });
    if (static_cast<std::size_t>(running) >= kMostOpen || opened >= 255) return;
    const std::int64_t id = 4 * opened++;
    transport.streams[id] = {};
    session->opened(id);
  }

  bool arrive(std::int64_t id, std::span<const std::uint8_t> bytes, bool fin) {
    if (id < 0) return true;
    StreamState& s = transport.streams[id];
    if (s.client_ended || s.closed) return true;
    const std::uint64_t room = std::min(s.allowed - s.arrived, transport.allowed - transport.arrived);
    if (bytes.size() > room) return true;
    s.arrived += bytes.size();
    transport.arrived += bytes.size();
    s.client_ended = fin;
    const bool fine = session->received(id, bytes, fin).has_value();
    // Whatever is consumed is given back at most once.
    insist(s.allowed <= s.arrived + 2 * kWindow && transport.allowed <= transport.arrived + (1 << 20));
    return fine;
  }

  void client_resets(std::int64_t id) {
    if (id < 0) return;
    StreamState& s = transport.streams[id];
    if (s.client_ended || s.closed) return;
    s.client_ended = true;
    session->client_reset(id);
  }

  bool pull(std::uint8_t mood) {
    for (int i = 0; i < 64; ++i) {
      H3Session::Piece piece;
      if (!session->next(piece)) return false;
      if (piece.stream < 0) return true;
      StreamState& s = transport.streams[piece.stream];
      const std::size_t offered = nghttp3_vec_len(piece.part.data(), piece.parts);
      if (s.we_ended) {
        session->unwritable(piece.stream);
        continue;
      }
      if (mood % 7 == 3) {
        session->blocked(piece.stream);
        session->unblocked(piece.stream);
        return true;
      }
      const std::size_t taken = mood % 3 == 0 ? offered : std::min<std::size_t>(offered, mood);
      s.sent += taken;
      if (piece.fin && taken == offered) s.we_ended = true;
      if (!session->sent(piece, taken)) return false;
      if (taken < offered) return true;
    }
    return true;
  }

  bool acknowledge(std::int64_t id) {
    if (id < 0 || transport.streams[id].closed) return true;
    StreamState& s = transport.streams[id];
    const std::uint64_t bytes = std::exchange(s.acknowledged, s.sent);
    return session->acknowledged(id, s.sent - bytes).has_value();
  }

  bool close(std::int64_t id) {
    if (id < 0) return true;
    StreamState& s = transport.streams[id];
    if (s.closed || !s.client_ended || !s.we_ended) return true;
    s.closed = true;
    return session->closed(id, NGHTTP3_H3_NO_ERROR).has_value();
  }

  ManualClock clock;
  EventLoop loop{clock};
  NotingObserver observer;
  ExchangeContext exchanges{.loop = loop, .observer = observer, .make_responder = [](Exchange& exchange) {
                              return std::make_unique<ScriptedResponder>(exchange, echo);
                            }};
  std::shared_ptr<ListenerPolicy> policy = std::make_shared<ListenerPolicy>();
  ListenerCounters counters;
  ListenerContext context{.loop = loop,
                          .exchanges = exchanges,
                          .policy = policy,
                          .tls = nullptr,
                          .counters = counters,
                          .connections = ConnectionList(loop)};
  QuicOptions options{.stream_window = kWindow, .max_stream_window = kWindow};
  MemoryTransport transport;
  std::uint8_t opened = 0;
  std::unique_ptr<H3Session> session = std::make_unique<H3Session>(context, transport, options, H3Session::Peer{});
};

}  // namespace
}  // namespace gatehouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> input(data, size);
  gatehouse::Driver driver;
  while (input.size() >= 4) {
    const std::size_t length = std::min(input[2] + std::size_t{256} * input[3], input.size() - 4);
    const bool goes_on = driver.step(input[0], input[1], input.subspan(4, length));
    input = input.subspan(4 + length);
    if (!goes_on) break;
  }
  driver.end();
  return 0;
}
