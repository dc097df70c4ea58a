// Reads the heads of a client's frames as they pass to nghttp2, remembers what the client has done with its last
// streams, and finds what nghttp2 overlooks: it keeps nothing of streams that are closed and skips PRIORITY unread. A
// member of an H2Connection, on its thread.
//
//   connection's input --pass()--> as many bytes as nghttp2 may read before the finding is dealt with
//
//   what the client may still send on a stream        what follows from DATA and HEADERS
//     open, or closed by us alone                       nothing; on one that is closed: a stray
//     cancelled by it                                   STREAM_CLOSED for the stream
//     ended by it                                       STREAM_CLOSED for the connection (RFC 9113 section 5.1)
//     never opened, and a higher one has been           PROTOCOL_ERROR for the connection (section 5.1.1)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

class H2FrameScreen {
 public:
  enum class Finding : std::uint8_t {
    kNone,
    // DATA or HEADERS on a stream that we have closed and the client has not: it may not know yet.
    kStray,
    // The same, if the stream is closed; too many have been opened since to tell.
    kPerhapsStray,
    kStreamError,
    kConnectionError,
  };
  struct Look {
    // So many bytes nghttp2 may read now.
    std::size_t size = 0;
    Finding finding = Finding::kNone;
    std::int32_t stream = 0;
    // Of an error.
    std::uint32_t code = 0;
  };

  // Takes the next bytes of the connection up to the end of `bytes` or the first finding. What is behind it is given
  // again. REQUIRES: `bytes` begin where the last look ended
  Look pass(std::string_view bytes);
  // We have closed the stream. Returns whether the client may still send on it, as far as is remembered: it has not
  // ended or cancelled it.
  bool closed(std::int32_t stream);

 private:
  // What the client has done with a stream. kNever: nothing, but it has opened a higher one.
  enum class Fate : std::uint8_t { kNever, kOpen, kClosedByUs, kEnded, kCancelled };
  static constexpr std::size_t kRemembered = 128;  // streams, as many as may be open by default and some more
  static constexpr std::size_t kHead = 9;          // RFC 9113 section 4.1
  static constexpr std::size_t kDependency = 4;    // which PRIORITY begins with

  // The head is complete.
  Look judge();
  Look judge_priority() const;
  // Of DATA and HEADERS on a stream that is not new.
  Look judge_content() const;
  // The client has opened the stream, and none between it and the last one.
  void open(std::int32_t stream);
  bool remembers(std::int32_t stream) const;
  Fate& fate(std::int32_t stream) { return fates_[static_cast<std::size_t>(stream) / 2 % kRemembered]; }
  Fate fate(std::int32_t stream) const { return fates_[static_cast<std::size_t>(stream) / 2 % kRemembered]; }

  std::uint32_t length() const;
  std::int32_t number(std::size_t at) const;

  // Of the preface at first, then of payloads: not looked at.
  std::size_t skip_ = 24;
  // The head of a frame as far as it has come, and behind it the dependency of PRIORITY.
  std::array<std::uint8_t, kHead + kDependency> head_{};
  std::uint8_t have_ = 0;
  std::uint8_t need_ = kHead;
  // The highest that the client has opened.
  std::int32_t last_ = -1;
  std::array<Fate, kRemembered> fates_{};
};

}  // namespace gatehouse
