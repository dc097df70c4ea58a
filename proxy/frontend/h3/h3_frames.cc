#include "proxy/frontend/h3/h3_frames.h"

namespace gatehouse {

bool H3Integer::read(H3Bytes& bytes) {
  constexpr unsigned kLengthShift = 6;
  constexpr std::uint8_t kFirstBits = 0x3f;
  while (!bytes.empty()) {
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    if (left_ == 0) {
      left_ = 1U << (byte >> kLengthShift);
      value_ = byte & kFirstBits;
    } else {
      value_ = value_ << 8U | byte;
    }
    if (--left_ == 0) return true;
  }
  return false;
}

bool H3FrameHeader::read(H3Bytes& bytes) {
  if (!has_type_) {
    if (!integer_.read(bytes)) return false;
    type_ = integer_.value();
    has_type_ = true;
  }
  if (!integer_.read(bytes)) return false;
  has_type_ = false;
  return true;
}

}  // namespace gatehouse
