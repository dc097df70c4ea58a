// The sending half of an UpstreamConnection: writes a request head and its body as HTTP/1.1, head and first body bytes
// in one system call. Body bytes stay in their pipe until the socket has taken them, so that a request of which nothing
// was taken can be sent again elsewhere. A value of its connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/buffer.h"
#include "proxy/http/body_pipe.h"
#include "proxy/http/message.h"

namespace gatehouse {

class TcpStream;
class Waker;

class RequestSender {
 public:
  enum class State {
    kDone,        // everything has been taken by the socket
    kNeedsBody,   // the client has to send more first
    kBlocked,     // the socket is full; the stream's user will be called
    kBroken,      // the socket takes nothing any more
    kBodyFailed,  // the body ended before its end, or does not have the length that was announced
  };

  // Writes the head to memory; false if it cannot be written safely. `waker` is woken when the body goes on.
  [[nodiscard]] bool begin(const RequestHead& head, BodyPipe& body, Waker& waker);
  State send(TcpStream& stream);
  // Forgets the body and what was not sent.
  void stop();
  // Tells the client half that no more of the body is wanted. Not done by then: kBroken.
  void abandon_body();

  State state() const { return state_; }
  bool head_sent() const { return head_left_ == 0; }
  std::uint64_t taken() const { return taken_; }  // bytes that the socket has taken, framing included

 private:
  enum class Framing : std::uint8_t { kLength, kChunked };

  State compose();
  State compose_chunk();
  State compose_rest();
  void drop(std::size_t count);
  bool nothing_composed() const { return before_.empty() && offered_ == 0 && after_.empty(); }

  BodyReader* body_ = nullptr;
  Framing framing_ = Framing::kLength;
  State state_ = State::kDone;
  bool complete_ = true;         // nothing more has to be composed
  Buffer before_;                // head and chunk line, before...
  std::size_t offered_ = 0;      // ...this many bytes of the pipe, before...
  Buffer after_;                 // ...the end of the chunk, and perhaps of the body
  std::uint64_t body_left_ = 0;  // of the announced length, not yet offered
  std::size_t head_left_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace gatehouse
