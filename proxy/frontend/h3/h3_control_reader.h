// What a client says on its control stream, as bytes that come in any pieces (RFC 9114 sections 6.2.1, 7.2; RFC 9218
// section 7.2): each frame is judged here, and what matters to others is returned. We push nothing, so that every push
// that a client speaks of is unknown. A member of H3UniStreams; one loop's thread.
//
// What it keeps of a frame is bounded: settings and priorities longer than kMostOfPayload are not for us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/frontend/h3/h3_frames.h"

namespace gatehouse {

class H3ControlReader {
 public:
  static constexpr std::size_t kMostOfPayload = 1024;

  enum class What : std::uint8_t {
    kNothing,         // everything has been read
    kSettings,        // `payload` is that of a valid SETTINGS frame; once, and first
    kPriorityUpdate,  // of the request stream `stream`, with `payload` as its field value
    kControl,         // GOAWAY or MAX_PUSH_ID: legal, and nothing to us
    kUnknown,         // a frame of unknown type
    kBroken,          // the connection ends with `code`
  };
  struct Event {
    What what;
    // Good until the next call.
    std::string_view payload = {};
    std::int64_t stream = -1;
    std::uint64_t code = 0;
  };

  // Reads on in `bytes`, taking what it has read off the front.
  Event next(H3Bytes& bytes);

 private:
  enum class State : std::uint8_t { kHeader, kPayload, kSkipped };
  // What the client has said last; an id that was never said is none.
  struct Ids {
    std::optional<std::uint64_t> max_push;
    std::optional<std::uint64_t> goaway;
  };

  static Event broken(std::uint64_t code) { return {.what = What::kBroken, .code = code}; }
  // Where next() has nothing for its caller yet.
  std::optional<Event> begin_frame();
  std::optional<Event> end_frame();
  Event take_settings() const;
  Event take_id();
  Event take_priority() const;

  H3FrameHeader header_;
  State state_ = State::kHeader;
  bool has_settings_ = false;
  // Of the payload.
  std::uint64_t left_ = 0;
  std::string payload_;
  Ids ids_;
};

}  // namespace gatehouse
