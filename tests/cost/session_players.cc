// Clients at whole connections, on streams in memory and a clock at rest: whatever comes of their bytes is counted, up
// to an answer of five bytes. Bodies are taken as they come.
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/frontend/accept/clear_accept.h"
#include "tests/cost/player.h"
#include "tests/support/frontend_testing.h"
#include "tests/support/h3_session_world.h"

namespace gatehouse::work {
namespace {

using namespace testing_support;

void respond_to_bodies(FrontendWorld& world) {
  for (Exchange* exchange : std::vector(world.live)) {
    take_request_body(*exchange);
    if (!exchange->response() && exchange->request_pipe().reader().at_end())
      exchange->respond({.status = 200}, "hello");
  }
}

void respond_if_there_is_no_body(Exchange& exchange) {
  if (exchange.request().body.is_empty()) exchange.respond({.status = 200}, "hello");
}

// h1, and h2 with prior knowledge. Each piece is one read.
class StreamPlayer final : public Player {
 public:
  StreamPlayer() {
    world_.script = respond_if_there_is_no_body;
    world_.context.speaks_h2 = true;
    auto [client, server] = MemoryStream::make_pair(world_.loop);
    client_ = std::move(client);
    ClearAccept::begin(world_.context, {.stream = std::move(server)});
  }

  void play(const Input& input) override {
    for (const Piece& piece : input) {
      Buffer bytes(piece.bytes);
      while (!bytes.empty() && !client_->peer_gone()) {
        client_->write(bytes);
        take_turns();
      }
      if (client_->peer_gone()) return;
    }
    world_.settle();
  }

 private:
  void take_turns() {
    constexpr int kUntilResponded = 2;
    for (int i = 0; i < kUntilResponded; ++i) world_.loop.turn(EventLoop::Wait::kNever);
    if (!world_.live.empty()) respond_to_bodies(world_);
    Buffer response;
    client_->read(response, 256UL * 1024);
  }

  FrontendWorld world_;
  std::unique_ptr<MemoryStream> client_;
};

// Each piece comes in packets, on the stream that it names; with its end the stream is over on both sides.
class H3Player final : public Player {
 public:
  H3Player() { world_.script = respond_if_there_is_no_body; }

  void play(const Input& input) override {
    for (const Piece& piece : input) {
      if (world_.receive(piece.stream, piece.bytes, piece.end)) return;
      if (!world_.live.empty()) respond_to_bodies(world_);
      world_.settle();
      world_.send_all();
      if (piece.end) world_.close(piece.stream);
    }
  }

 private:
  H3SessionWorld world_;
};

}  // namespace

std::unique_ptr<Player> make_session_player(std::string_view name) {
  if (name == "h1" || name == "h2") return std::make_unique<StreamPlayer>();
  if (name == "h3") return std::make_unique<H3Player>();
  return nullptr;
}

}  // namespace gatehouse::work
