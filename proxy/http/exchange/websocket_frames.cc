#include "proxy/http/exchange/websocket_frames.h"

#include <algorithm>

namespace gatehouse {

namespace {

constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kClose = 0x8;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kLengthOfTwo = 126;  // what stands for a length in the two, or eight, bytes that follow
constexpr std::uint8_t kLengthOfEight = 127;
constexpr std::size_t kMaskSize = 4;

std::size_t extended_length(std::uint8_t length) {
  if (length == kLengthOfTwo) return 2;
  return length == kLengthOfEight ? 8 : 0;
}

}  // namespace

void WebSocketFrames::follow(const Buffer& bytes) {
  bytes.for_each([this](std::string_view run) { follow(run); });
}

void WebSocketFrames::follow(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const std::uint64_t count = std::min<std::uint64_t>(left_, bytes.size());
      left_ -= count;
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    head_[have_++] = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (have_ >= 2 && have_ == head_size()) end_head();
  }
}

std::size_t WebSocketFrames::head_size() const {
  return 2 + extended_length(head_[1] & kLength) + ((head_[1] & kMasked) != 0 ? kMaskSize : 0);
}

void WebSocketFrames::end_head() {
  const std::uint8_t length = head_[1] & kLength;
  const std::size_t more = extended_length(length);
  left_ = more == 0 ? length : 0;
  for (std::size_t i = 0; i < more; ++i) left_ = left_ << 8U | head_[2 + i];
  closed_ = closed_ || (head_[0] & kOpcode) == kClose;
  have_ = 0;
}

Buffer WebSocketFrames::going_away(From from) {
  // FIN and opcode, length, for a client a mask of zeros, and the status 1001.
  using namespace std::string_view_literals;
  return Buffer(from == From::kServer ? "\x88\x02\x03\xe9"sv : "\x88\x82\0\0\0\0\x03\xe9"sv);
}

}  // namespace gatehouse
