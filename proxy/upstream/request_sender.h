// The sending half of an UpstreamConnection: writes a request head and its body as HTTP/1.1, head and first body bytes
// in one system call. Body bytes stay in their pipe until the socket has taken them, so that a request of which nothing
// was taken can be sent again elsewhere. A value of its connection; one loop's thread.
//
// What is composed next, in the order in which it leaves in one gathered write:
//
//   before_                  the pipe                       after_
//   +----------------------+ +---------------------+------+ +-------------------------------------+
//   | head, "1f40\r\n"     | | offered_ bytes      | more | | "\r\n", perhaps "0\r\n" trailers    |
//   +----------------------+ +---------------------+------+ +-------------------------------------+
//   (chunk lines and what follows a chunk: only where the length of the body is not known)
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/buffer.h"
#include "proxy/http/exchange/body_pipe.h"
#include "proxy/http/message.h"

namespace gatehouse {

class EndpointStream;
class Waker;

class RequestSender {
 public:
  enum class State {
    // Everything has been taken by the socket.
    kDone,
    // The client has to send more first.
    kNeedsBody,
    // The head has been taken, and the body is held.
    kHeld,
    // The socket is full; the stream's user will be called.
    kBlocked,
    // The socket takes nothing any more. What was received before may still hold an answer.
    kBroken,
    // The body ended before its end, or does not have the length that was announced.
    kBodyFailed,
  };

  // Writes the head to memory. Returns false if it cannot be written safely: then nothing is sent and the pipe is not
  // touched. `head` and `overlay` are read during the call only; `body` and `waker` are used until the request is sent
  // or stop() is called. `waker` is woken when the body goes on. What was left of a former request is forgotten.
  [[nodiscard]] bool begin(const RequestHead& head, const RequestOverlay& overlay, BodyPipe& body, Waker& waker);
  // Nothing of the body leaves before release_body(). REQUIRES: begin() returned true, and nothing was sent yet.
  void hold_body() { held_ = true; }
  void release_body() { held_ = false; }
  // The endpoint has opened a tunnel: what is in the pipe follows as it is, and its end closes our half of the stream.
  // REQUIRES: the head is sent, and it had no body.
  void open_tunnel(BodyPipe& body, Waker& waker);
  // Sends on until everything is sent or something is missing, and says what. REQUIRES: begin() returned true.
  State send(EndpointStream& stream);
  // Forgets the body and what was not sent. state() is kDone and taken() 0 then.
  void stop();
  // Tells the client half that no more of the body is wanted; what is in the pipe is dropped. The request can never be
  // complete then: kBroken, unless it was sent to its end already. taken() stays.
  void abandon_body();

  // What the last send() returned.
  State state() const { return state_; }
  // The socket has taken the whole head.
  bool head_sent() const { return head_left_ == 0; }
  // Bytes of this request that the socket has taken, framing included.
  std::uint64_t taken() const { return taken_; }

 private:
  enum class Framing : std::uint8_t { kLength, kChunked, kTunnel };

  State compose();
  State compose_chunk();
  State compose_rest();
  void drop(std::size_t count);
  bool nothing_composed() const { return before_.empty() && offered_ == 0 && after_.empty(); }

  // Null: the request has no body, or it is not wanted any more.
  BodyReader* body_ = nullptr;
  Framing framing_ = Framing::kLength;
  State state_ = State::kDone;
  // Nothing more has to be composed.
  bool complete_ = true;
  bool held_ = false;
  Buffer before_;
  std::size_t offered_ = 0;
  Buffer after_;
  // Of the announced length, not yet offered.
  std::uint64_t body_left_ = 0;
  std::size_t head_left_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace gatehouse
