// What a client sends on one request stream, as bytes that come in any pieces, read frame by frame (RFC 9114 sections
// 4.1, 7.2) and field by field: nothing is judged but the order of frames. A member of its H3Stream; one loop's thread.
//
//   give(bytes, fin), then next() until it says kNothing
//     kField .. kSectionEnd   the head: once
//     kData ..                the body
//     kField .. kSectionEnd   the trailers: at most once
//     kEnd                    all is complete
//
// A section that refers to what is not in the table yet makes the stream wait: everything that is given is held,
// uncredited and so bounded by the stream's window, until take_ready() returns it to be given again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/buffer.h"
#include "proxy/frontend/h3/h3_field_decoder.h"
#include "proxy/frontend/h3/h3_frames.h"

namespace gatehouse {

class H3RequestReader {
 public:
  enum class What : std::uint8_t {
    kNothing,     // everything has been read
    kField,       // the decoder's field() is the next of the head or the trailers
    kSectionEnd,  // the head is complete, or the trailers are
    kData,        // bytes of the body
    kEmptyFrame,  // DATA with nothing in it
    kUnknown,     // a frame that means nothing to us begins; it is skipped
    kEnd,         // the stream has ended, as a whole message
    kIncomplete,  // the stream has ended before there was a head
    kBroken,      // the connection ends with `code`
  };
  struct Event {
    What what;
    H3Bytes data = {};
    H3FieldDecoder::Code code = 0;
  };
  // What take_ready() returns.
  struct Held {
    Buffer bytes;
    bool fin = false;
  };

  // `decoder` outlives it.
  H3RequestReader(H3FieldDecoder& decoder, std::int64_t stream) : decoder_(decoder), stream_(stream) {}

  // The next bytes of the stream, `fin` if they are its last. They are good until next() says kNothing. REQUIRES: it
  // said so of the bytes before
  void give(H3Bytes bytes, bool fin);
  Event next();
  // The stream ends with what has been read so far: after kSectionEnd.
  bool at_end() const { return fin_ && bytes_.empty(); }
  // Bytes that the client may be given credit for: all that have been read but those of the body.
  std::size_t take_credit();
  // What the stream waited with, if the table has now what it waited for.
  std::optional<Held> take_ready();
  // Whatever comes is skipped from here on.
  void abandon();

 private:
  enum class State : std::uint8_t { kHeader, kData, kSection, kSkipped, kAbandoned };
  // What has come of the message.
  enum class Message : std::uint8_t { kNothing, kHead, kTrailers };

  static Event broken(std::uint64_t code) { return {.what = What::kBroken, .code = code}; }
  // Where next() has nothing for its caller yet.
  std::optional<Event> begin_frame();
  std::optional<Event> read_section();
  std::optional<Event> end_section();
  Event end();
  Event hold();
  // Takes what there is of the frame's payload.
  H3Bytes take_payload();
  void skip(std::size_t count);

  H3FieldDecoder& decoder_;
  std::int64_t stream_;
  H3Bytes bytes_;
  H3FrameHeader header_;
  H3FieldDecoder::Section section_;
  // Of the frame's payload.
  std::uint64_t left_ = 0;
  std::size_t credit_ = 0;
  // While the stream waits.
  Buffer held_;
  State state_ = State::kHeader;
  Message message_ = Message::kNothing;
  bool fin_ = false;
};

}  // namespace gatehouse
