// An HTTP/2 client that sends anything, after a valid preface, to an H2Connection on a memory stream. The first byte
// says in how large pieces the rest comes. Whatever happens: no crash, every exchange that began has ended with its
// connection, and what is kept for the client stays bounded.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/h2_client.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::testing_support;

void require(bool holds) {
  if (!holds) std::abort();
}

// By the target: at once, with a body in pieces, never, or broken off.
void begin_answer(Exchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (path == "/wait") return;
  if (path == "/break") {
    exchange.respond({.status = 200, .body = BodyLength::known(10)});
    write_answer(exchange, "half");
    return exchange.fail(Fault::kUpstreamTruncated);
  }
  if (path == "/large") {
    exchange.respond({.status = 200, .body = BodyLength::unknown()});
    return write_answer(exchange, std::string(60'000, 'x'));
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

void play(std::size_t piece, std::string_view bytes) {
  FrontendWorld world;
  world.script = begin_answer;
  auto [client, server] = MemoryStream::make_pair(world.loop);
  world.context.connections.add(
      std::make_unique<H2Connection>(world.context, ClientTransport{.stream = std::move(server)}));
  std::string input = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
  input += bytes;
  for (std::string_view rest = input; !rest.empty() && !client->peer_gone();) {
    Buffer next(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
    client->write(next);
    world.settle();
    for (Exchange* exchange : std::vector(world.live)) go_on(*exchange);
    world.settle();
    Buffer answer;
    client->read(answer, 64UL * 1024);
  }
  world.advance(std::chrono::seconds(200));
  client.reset();
  world.settle();
  require(world.context.connections.size() == 0);
  require(world.live.empty());
  require(world.begun == static_cast<int>(world.ended.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostBytes = 64UL * 1024;
  if (size == 0 || size > kMostBytes) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = data[0] == 0 ? size + 64 : static_cast<std::size_t>(data[0]);
  play(piece, bytes.substr(1));
  return 0;
}
