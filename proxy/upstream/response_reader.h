// The receiving half of an UpstreamConnection: reads an answer from the socket up to the room of its pipe, interim
// answers included, and is strict about where it ends. A member of its connection; one loop's thread. An answer may
// have a head of at most 64 KiB and 200 fields, and before it interim answers of at most 64 KiB in all.
//
//   begin --> kInterim, any number --> kHead --> kEnd
//               kWaiting, kNoRoom: at any time, and read() is called again; kFault: at any time, and nothing follows
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/buffer.h"
#include "common/byte_stream.h"
#include "proxy/http/exchange/body_pipe.h"
#include "proxy/http/fault.h"
#include "proxy/http/h1/h1_parser.h"
#include "proxy/http/message.h"

namespace gatehouse {

class Waker;

class ResponseReader {
 public:
  enum class Event {
    // The endpoint has to send more; the stream's user will be called.
    kWaiting,
    // The client has to take what is in the pipe; the waker will be woken.
    kNoRoom,
    // An interim answer has come, which take_head() returns; read on. Told of are the first 100 and eight others; more
    // of them are dropped.
    kInterim,
    // The head of the final answer has come, which take_head() returns; read on. Told once, also without a body.
    kHead,
    // The answer is complete and the pipe has been finished, with its trailers.
    kEnd,
    // The answer is not one, or broke off: fault() says why. The pipe is neither finished nor failed.
    kFault,
  };

  // What the endpoint has been asked, as far as it matters to the reading of its answer.
  struct Question {
    std::string_view method;
    // It may answer 101, and what comes behind that head is the tunnel's.
    bool may_open_tunnel = false;
    Tolerance tolerance = Tolerance::kStrict;
  };

  ResponseReader();

  // Expects the answer. `response` and `waker` are used until kEnd, kFault or stop(); `waker` is woken when the pipe has
  // room again.
  void begin(const Question& question, BodyPipe& response, Waker& waker);
  // Reads on until there is something to tell. Takes at least 4 KiB at a time, so that the pipe may get more than its
  // room by that much. REQUIRES: neither kEnd nor kFault was returned since begin().
  Event read(ByteStream& stream);
  // The rest of the answer goes into another pipe. REQUIRES: neither kEnd nor kFault was returned since begin().
  void divert(BodyPipe& response, Waker& waker);
  // Forgets the pipe; nothing is written to it any more.
  void stop();
  // Likewise, and drops what has come of the body. Returns whether its end was there. REQUIRES: read() has just returned
  // kHead.
  bool drop_body();

  // REQUIRES: read() has just returned kInterim or kHead.
  ResponseHead take_head() { return std::move(head_); }
  // After kFault: kUpstreamInvalid, kUpstreamHeadersTooLarge, kUpstreamTruncated (after the head), kUpstreamClosed or
  // kUpstreamReset (before it), or kClientGone where the pipe has ended otherwise: on the client's side, or by its filter.
  Fault fault() const { return ending_.fault; }
  // A byte of the answer has come.
  bool begun() const { return received_ > 0; }
  // The head of the final answer has come.
  bool head_seen() const { return head_seen_; }
  // That head has opened a tunnel.
  bool in_tunnel() const { return tunnel_ == Tunnel::kOpen; }
  // The pipe has been finished, or given up.
  bool ended() const { return response_ == nullptr; }
  bool waits_for_room() const { return waits_for_room_; }
  // Bytes of this answer that came from the socket, interim answers and framing included.
  std::uint64_t received() const { return received_; }
  // After kEnd: what the trailers said in X-Reset-Code, which no reader of them gets to see; empty: nothing. Of several
  // the values are joined by commas, which makes none of them valid.
  std::string_view reset_said() const { return ending_.reset_said; }
  // After kEnd, or after drop_body() returned true: whether it is certain that the connection is clean. Looks at the
  // socket once more: what comes after an answer belongs to nobody.
  bool reusable(ByteStream& stream);
  // What had to be put right in the answer so far; such a connection is not reusable.
  Repairs repairs() const { return parser_.repairs(); }
  // After reusable(): whether anything has come behind the answer.
  bool has_extra_bytes() const { return !input_.empty(); }

 private:
  // These return what is to be told; nothing: reading goes on.
  std::optional<Event> parse();
  std::optional<Event> on_parsed_head();
  bool is_told();
  std::optional<Event> on_parsed_end();
  void note_reset(const FieldList& trailers);
  void take_body(std::string_view run, const H1Parser::Step& step);
  void take_tunnel();
  // Takes the bytes out of the input; before the final head they count as those of interim answers.
  void consume(std::size_t bytes);
  Event on_stream_end(bool clean);
  Event finish();
  Event fail(Fault fault);

  struct Asked {
    std::string method;
    Tolerance tolerance = Tolerance::kStrict;
  };
  // Before the final head.
  struct Interims {
    // So many were told of, 100 not included.
    int told = 0;
    bool told_continue = false;
    // Of all of them, and of the head that comes.
    std::size_t bytes = 0;
    bool in_one = false;
  };

  H1Parser parser_;
  Buffer input_;
  BodyWriter* response_ = nullptr;
  Asked asked_;
  ResponseHead head_;
  std::uint64_t received_ = 0;
  Interims interims_;
  // After kFault, and after kEnd.
  struct Ending {
    Fault fault = Fault::kUpstreamInvalid;
    std::string reset_said;
  };
  enum class Tunnel : std::uint8_t { kNone, kAwaited, kOpen };

  Ending ending_;
  Tunnel tunnel_ = Tunnel::kNone;
  bool head_seen_ = false;
  bool keep_alive_ = false;
  bool waits_for_room_ = false;
};

}  // namespace gatehouse
