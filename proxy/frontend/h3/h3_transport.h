// What an H3Session asks of the QUIC connection below it. Virtual so that the session can be driven without QUIC: by
// the fuzz target and by tests, on streams in memory. The transport owns the session; same thread. None of these calls
// back into the session.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

class H3Transport {
 public:
  // More may be sent: the transport pulls with H3Session::next() at the end of the turn.
  virtual void wake_flush() = 0;
  // Window to give back to the client, of one stream and of the connection.
  virtual void credit_stream(std::int64_t stream, std::size_t bytes) = 0;
  virtual void credit_connection(std::size_t bytes) = 0;
  virtual void reset(std::int64_t stream, std::uint64_t code) = 0;         // RESET_STREAM
  virtual void stop_sending(std::int64_t stream, std::uint64_t code) = 0;  // STOP_SENDING
  // The session has turned busy (streams are open) or idle.
  virtual void busy(bool is_busy) = 0;
  // Nothing is left to do, or (with an error) nothing can be: the connection is closed with this code.
  virtual void finish(std::uint64_t code) = 0;

 protected:
  ~H3Transport() = default;
};

}  // namespace gatehouse
