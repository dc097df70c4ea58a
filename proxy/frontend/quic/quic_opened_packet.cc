#include "proxy/frontend/quic/quic_opened_packet.h"

#include <algorithm>
#include <cstddef>

#include "proxy/frontend/h3/h3_frames.h"

namespace gatehouse {

namespace {

// Reads what it can; what is cut short ends everything.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }
  std::uint64_t integer() {
    H3Integer value;  // both have the form of RFC 9000 section 16
    if (value.read(rest_)) return value.value();
    rest_ = {};
    return 0;
  }
  void integers(std::uint64_t count) {
    for (; count > 0 && !at_end(); --count) integer();
  }
  void skip(std::uint64_t count) {
    rest_ = rest_.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(count, rest_.size())));
  }
  void skip_all() { rest_ = {}; }

 private:
  std::span<const std::uint8_t> rest_;
};

constexpr std::uint64_t kResetStream = 0x04;

void skip_ack(Reader& reader, bool counts_marks) {
  reader.integers(2);
  const std::uint64_t ranges = reader.integer();
  reader.integer();
  reader.integers(2 * std::min<std::uint64_t>(ranges, UINT16_MAX));  // no packet has more
  if (counts_marks) reader.integers(3);
}

void skip_stream(Reader& reader, std::uint64_t type) {
  constexpr std::uint64_t kHasOffset = 0x04;
  constexpr std::uint64_t kHasLength = 0x02;
  reader.integer();
  if ((type & kHasOffset) != 0) reader.integer();
  if ((type & kHasLength) == 0) return reader.skip_all();
  reader.skip(reader.integer());
}

// RFC 9000 section 19. Types that it does not know end everything, as they do in ngtcp2.
void skip_frame(Reader& reader, std::uint64_t type) {
  constexpr std::uint64_t kTokenSize = 16;
  constexpr std::uint64_t kChallengeSize = 8;
  switch (type) {
    case 0x00:  // PADDING
    case 0x01:  // PING
      return;
    case 0x02:
    case 0x03:
      return skip_ack(reader, type == 0x03);
    case 0x05:  // STOP_SENDING
    case 0x11:  // MAX_STREAM_DATA
    case 0x15:  // STREAM_DATA_BLOCKED
      return reader.integers(2);
    case 0x06:  // CRYPTO
      reader.integer();
      return reader.skip(reader.integer());
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0d:
    case 0x0e:
    case 0x0f:
      return skip_stream(reader, type);
    case 0x10:  // MAX_DATA
    case 0x12:  // MAX_STREAMS
    case 0x13:
    case 0x14:  // DATA_BLOCKED
    case 0x16:  // STREAMS_BLOCKED
    case 0x17:
    case 0x19:  // RETIRE_CONNECTION_ID
      return reader.integers(1);
    case 0x18:  // NEW_CONNECTION_ID; an id is shorter than 64 bytes, so that its length is an integer too
      reader.integers(2);
      return reader.skip(reader.integer() + kTokenSize);
    case 0x1a:  // PATH_CHALLENGE
    case 0x1b:  // PATH_RESPONSE
      return reader.skip(kChallengeSize);
    default:
      return reader.skip_all();
  }
}

bool is_sent_by_us_alone(std::uint64_t stream) {
  constexpr std::uint64_t kKind = 0x3;  // RFC 9000 section 2.1
  return (stream & kKind) == kKind;
}

}  // namespace

thread_local std::span<const std::uint8_t> QuicOpenedPacket::last;

bool QuicOpenedPacket::resets_our_stream(std::span<const std::uint8_t> payload) {
  Reader reader(payload);
  while (!reader.at_end()) {
    const std::uint64_t type = reader.integer();
    if (type != kResetStream) {
      skip_frame(reader, type);
      continue;
    }
    if (is_sent_by_us_alone(reader.integer())) return true;
    reader.integers(2);
  }
  return false;
}

}  // namespace gatehouse
