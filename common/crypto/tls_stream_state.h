// How far a TlsStream is, in each direction and in its handshake: what it keeps beside OpenSSL's own. Private to the
// sources of TlsStream, on its thread.
//
//   early data:  kNone --an SSL that takes some--> kReading --no more comes--> kAwaitingFinished --done--> kNone
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <openssl/err.h>

#include "common/clock.h"
#include "common/crypto/tls_stream.h"
#include "common/crypto/tls_wire.h"

namespace gatehouse {

struct TlsStream::State {
  // With its frame it fits one TCP segment, also over IPv6 and PPPoE.
  static constexpr std::size_t kFirstRecord = 1370;
  // Less room than this at the end of a buffer is not decrypted into.
  static constexpr std::size_t kWorthwhileRoom = 4 * 1024;

  explicit State(TcpStream& socket) : wire(socket) {}

  // Before each call whose error is looked at, so that it is that call's. ERR_clear_error() wipes sixteen entries, a
  // thousand instructions, whether there is an error or not.
  static void forget_errors() {
    if (ERR_peek_error() != 0) ERR_clear_error();
  }

  // kWhenEstablished: close_notify cannot be sent before the handshake is done.
  enum class Closing { kNo, kWhenEstablished, kWhenSent, kDone };
  struct Incoming {
    MonotonicTime turn{};         // in which it was last read
    bool waits_for_turn = false;  // this turn's records have been read
    bool dry = false;             // OpenSSL needs more than there is, and the socket will call
    bool unseen = false;          // something has come since the last read()
    bool closed = false;          // OpenSSL has seen close_notify
    bool at_end = false;          // and so have we
  };
  struct Outgoing {
    std::size_t next_record = kFirstRecord;
    MonotonicTime last_write{};
    bool broken = false;  // what has arrived can still be read
    Closing closing = Closing::kNo;
  };
  // What the other side has sent, and what of it carried data.
  struct Effort {
    std::uint64_t data = 0;      // bytes that have moved, both ways
    std::uint64_t messages = 0;  // of TLS itself, since the handshake
    std::uint32_t in_a_row = 0;  // records without data
  };
  // Early data (RFC 8446 section 2.3), on its way from the first flight of the client to read().
  struct Early {
    // kReading: until OpenSSL says that no more comes. kAwaitingFinished: the handshake's end is missing.
    enum class Stage { kNone, kReading, kAwaitingFinished };
    Stage stage = Stage::kNone;
    // At most what the SSL allows.
    Buffer held;

    bool pending() const { return stage != Stage::kNone; }
  };
  // What the user waits for.
  struct Wanted {
    bool read = true;
    bool write = false;
  };

  TlsWire wire;
  Incoming in;
  Outgoing out;
  Effort effort;
  Early early;
  Wanted wanted;
  bool established = false;  // the handshake is done
  bool failed = false;
  int alert = 0;  // why, if the other side has said so
  std::string failure_reason;
};

}  // namespace gatehouse
