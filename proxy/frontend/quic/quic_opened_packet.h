// What stood in the packet that ngtcp2 opened last. ngtcp2 calls a RESET_STREAM for one of our own unidirectional streams
// a PROTOCOL_VIOLATION as it does much else, where RFC 9000 section 19.4 asks for STREAM_STATE_ERROR: whoever was told
// of the one can look here whether it was the other. A value around one call of ngtcp2_conn_read_pkt(), on the
// connection's thread; what is read is the connection's own buffer, and only while it lives.
#pragma once

#include <cstdint>
#include <span>

namespace gatehouse {

class QuicOpenedPacket {
 public:
  // No packet has been opened yet. REQUIRES: no other is alive on this thread
  QuicOpenedPacket() { last = {}; }
  ~QuicOpenedPacket() { last = {}; }
  QuicOpenedPacket(const QuicOpenedPacket&) = delete;
  QuicOpenedPacket& operator=(const QuicOpenedPacket&) = delete;

  // Whether the last has RESET_STREAM for a unidirectional stream of ours.
  bool resets_our_stream() const { return resets_our_stream(last); }
  // The same of a payload: frames, one behind the other.
  static bool resets_our_stream(std::span<const std::uint8_t> payload);

  // A packet has been opened, and this is its payload.
  static void note(std::span<const std::uint8_t> payload) { last = payload; }

 private:
  static thread_local std::span<const std::uint8_t> last;
};

}  // namespace gatehouse
