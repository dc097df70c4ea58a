// The receiving half of an UpstreamConnection: reads an answer from the socket up to the room of its pipe, interim
// answers included, and is strict about where it ends. A member of its connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/buffer.h"
#include "common/byte_stream.h"
#include "proxy/http/body_pipe.h"
#include "proxy/http/fault.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/message.h"

namespace gatehouse {

class Waker;

class ResponseReader {
 public:
  enum class Event {
    kWaiting,  // for the endpoint; the stream's user will be called
    kNoRoom,   // for the client to take what is in the pipe
    kInterim,  // take_head(), 103; then go on
    kHead,     // take_head(); then go on
    kEnd,      // the pipe has been finished
    kFault,    // fault()
  };

  ResponseReader();

  // `waker` is woken when the pipe has room again.
  void begin(std::string_view method, BodyPipe& response, Waker& waker);
  // Reads on until there is something to tell.
  Event read(ByteStream& stream);
  void stop();  // forgets the pipe

  ResponseHead take_head() { return std::move(head_); }
  Fault fault() const { return fault_; }
  bool begun() const { return received_ > 0; }  // a byte of the answer has come
  bool head_seen() const { return head_seen_; }
  bool waits_for_room() const { return waits_for_room_; }
  std::uint64_t received() const { return received_; }
  // After kEnd: whether it is certain that the connection is clean. Looks at the socket once more: what comes after an
  // answer belongs to nobody.
  bool reusable(ByteStream& stream);
  bool has_extra_bytes() const { return !input_.empty(); }  // after reusable()

 private:
  // These return what is to be told; nothing: reading goes on.
  std::optional<Event> parse();
  std::optional<Event> on_parsed_head();
  std::optional<Event> on_parsed_end();
  void take_body(std::string_view run, const H1Parser::Step& step);
  Event on_stream_end(bool clean);
  Event finish();
  Event fail(Fault fault);

  H1Parser parser_;
  Buffer input_;
  BodyWriter* response_ = nullptr;
  std::string method_;
  ResponseHead head_;
  std::uint64_t received_ = 0;
  int interims_ = 0;
  Fault fault_ = Fault::kUpstreamInvalid;
  bool head_seen_ = false;  // of the final answer
  bool in_interim_ = false;
  bool keep_alive_ = false;
  bool waits_for_room_ = false;
};

}  // namespace gatehouse
