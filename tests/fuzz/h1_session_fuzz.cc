// A client that sends anything to a cleartext listener on a memory stream, which is HTTP/1 unless it begins as HTTP/2
// with prior knowledge does; what else happens and what must hold stands in session_play.h.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "proxy/frontend/accept/clear_accept.h"
#include "tests/support/session_play.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatehouse;
  fuzz::SessionInput input;
  if (!fuzz::read_session_input(data, size, input)) return 0;
  fuzz::play_session(input, "", [](ListenerContext& context, std::unique_ptr<ByteStream> stream) {
    context.speaks_h2 = true;
    ClearAccept::begin(context, {.stream = std::move(stream)});
  });
  return 0;
}
