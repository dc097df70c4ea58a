// What an H3Session asks of the QUIC connection below it: QuicConnection. Virtual so that the session can be driven
// without QUIC: by the fuzz target and by tests, on streams in memory. The transport owns the session; same thread.
// Each call may come any number of times. None of them calls back into the session, but that busy(false) may call
// H3Session::drain().
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

class H3Transport {
 public:
  // More may be sent: the transport pulls with H3Session::next() at the end of the turn.
  virtual void wake_flush() = 0;
  // Gives window back to the client, of one stream. Nothing happens if the stream has ended.
  virtual void credit_stream(std::int64_t stream, std::size_t bytes) = 0;
  // Gives window back to the client, for all streams together.
  virtual void credit_connection(std::size_t bytes) = 0;
  // Ends our half of the stream with RESET_STREAM.
  virtual void reset(std::int64_t stream, std::uint64_t code) = 0;
  // Asks the client to end its half, with STOP_SENDING.
  virtual void stop_sending(std::int64_t stream, std::uint64_t code) = 0;
  // The session has turned busy (the first stream is open) or idle (the last has been closed). The two take turns;
  // the first call says busy.
  virtual void busy(bool is_busy) = 0;
  // Nothing is left to do, or (with an error) nothing can be: the connection is closed with this code at the end of
  // the turn. The first code counts. The session may still be called until then.
  virtual void finish(std::uint64_t code) = 0;

 protected:
  ~H3Transport() = default;
};

}  // namespace gatehouse
