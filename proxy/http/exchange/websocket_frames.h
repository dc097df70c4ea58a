// Where the frames of one direction of a WebSocket end (RFC 6455 section 5.2), told from their heads as the bytes pass:
// nothing is kept, copied or unmasked. And the one frame that we send ourselves, where another ends. A value of its
// exchange; one loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/buffer.h"

namespace gatehouse {

class WebSocketFrames {
 public:
  enum class From : std::uint8_t { kClient, kServer };

  void follow(const Buffer& bytes);
  // Between two frames: a control frame may stand here, even within a message (RFC 6455 section 5.4).
  bool between_frames() const { return have_ == 0 && left_ == 0; }
  // A Close has begun: nothing may follow it.
  bool closed() const { return closed_; }

  // A Close that says "going away" (RFC 6455 section 7.4.1). A client's is masked; the mask hides nothing, as the payload
  // is ours.
  static Buffer going_away(From from);

 private:
  static constexpr std::size_t kLongestHead = 14;

  void follow(std::string_view bytes);
  std::size_t head_size() const;
  void end_head();

  // Of the head that is being read.
  std::array<std::uint8_t, kLongestHead> head_{};
  std::size_t have_ = 0;
  // Of the payload.
  std::uint64_t left_ = 0;
  bool closed_ = false;
};

}  // namespace gatehouse
