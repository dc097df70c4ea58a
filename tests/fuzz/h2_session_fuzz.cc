// An HTTP/2 client that sends anything, after a valid preface, to an H2Connection on a memory stream; what else happens
// and what must hold stands in session_play.h.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/h2_client.h"
#include "tests/support/session_play.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  fuzz::SessionInput input;
  if (!fuzz::read_session_input(data, size, input)) return 0;
  const std::string preface =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + testing_support::h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
  fuzz::play_session(input, preface, [](ListenerContext& context, std::unique_ptr<ByteStream> stream) {
    context.connections.add(std::make_unique<H2Connection>(context, ClientTransport{.stream = std::move(stream)}));
  });
  return 0;
}
