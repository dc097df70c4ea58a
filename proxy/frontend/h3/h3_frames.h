// The layer of frames of HTTP/3 (RFC 9114 section 7.1) as bytes arrive, cut anywhere: the integers of RFC 9000 section
// 16, and the header of a frame, which is two of them. Values of whoever reads a stream; no thread of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gatehouse {

using H3Bytes = std::span<const std::uint8_t>;

// Types of frames (RFC 9114 section 11.2.1; RFC 9218 section 7.2).
namespace h3_frame {
inline constexpr std::uint64_t kData = 0x00;
inline constexpr std::uint64_t kHeaders = 0x01;
inline constexpr std::uint64_t kCancelPush = 0x03;
inline constexpr std::uint64_t kSettings = 0x04;
inline constexpr std::uint64_t kPushPromise = 0x05;
inline constexpr std::uint64_t kGoaway = 0x07;
inline constexpr std::uint64_t kMaxPushId = 0x0d;
inline constexpr std::uint64_t kPriorityUpdate = 0xf0700;
inline constexpr std::uint64_t kPriorityUpdateOfPush = 0xf0701;

// Whether HTTP/2 has a frame of this type and HTTP/3 has none, so that it is an error anywhere.
constexpr bool is_of_h2(std::uint64_t type) {
  return type == 0x02 || type == 0x06 || type == 0x08 || type == 0x09;
}
// Whether it belongs to control streams, or to servers.
constexpr bool is_of_control_stream(std::uint64_t type) {
  return type == kCancelPush || type == kSettings || type == kPushPromise || type == kGoaway || type == kMaxPushId ||
         type == kPriorityUpdate || type == kPriorityUpdateOfPush;
}
}  // namespace h3_frame

class H3Integer {
 public:
  // Takes what belongs to it off the front of `bytes`. Returns true once it is complete; the next call begins another.
  bool read(H3Bytes& bytes);
  std::uint64_t value() const { return value_; }
  // A part of it has come.
  bool begun() const { return left_ > 0; }

 private:
  std::uint64_t value_ = 0;
  // Bytes that are still to come.
  unsigned left_ = 0;
};

class H3FrameHeader {
 public:
  // Takes what belongs to it off the front of `bytes`. Returns true once it is complete; the next call begins another.
  bool read(H3Bytes& bytes);
  std::uint64_t type() const { return type_; }
  // Of the payload, in bytes.
  std::uint64_t length() const { return integer_.value(); }
  // A part of it has come.
  bool begun() const { return has_type_ || integer_.begun(); }

 private:
  H3Integer integer_;
  std::uint64_t type_ = 0;
  bool has_type_ = false;
};

inline std::string_view text_of(H3Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace gatehouse
