// Reads HTTP/1.x messages, requests or answers, one event at a time, on llhttp without any lenient flag, with the
// checks that llhttp leaves to its user (limits, bare LF, chunk extensions, duplicate lengths). Owned by a connection;
// one thread. Bytes may come in pieces of any size; the outcome is the same. Call parse() with what was not consumed,
// even if that is nothing, until it says kNeedMore: the end of a message is an event of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace gatehouse {

class H1Parser {
 public:
  enum class Kind { kRequest, kResponse };
  enum class Event {
    kNeedMore,  // everything consumed
    kHead,      // take_request() / take_response()
    kBody,      // `body` is the next piece, inside the input
    kEnd,       // the message is complete; take_trailers(). The next parse() begins the next message
    kFault,     // fault(); the parser is of no use any more
  };
  struct Step {
    Event event = Event::kNeedMore;
    std::size_t consumed = 0;
    std::string_view body;
  };

  H1Parser(Kind kind, const HeadLimits& limits);
  ~H1Parser();
  H1Parser(H1Parser&&) noexcept;
  H1Parser& operator=(H1Parser&&) noexcept;

  Step parse(std::string_view input);
  // The input has ended. kEnd: that completes the message (an answer delimited by close); kNeedMore: it was between
  // messages; kFault: in the middle of one (kClientGone, kUpstreamClosed in a head, kUpstreamTruncated in a body).
  Step finish();

  // Between kHead and the next parse(). After a fault in a head: what was known of it, for the log.
  RawRequest take_request();  // protocol is kH10 or kH1; `secure` is the connection's to set
  // An answer's body.kind kUnknown may be chunked or delimited by close, see body_until_close(). Content-Length and
  // Transfer-Encoding have left its fields.
  ResponseHead take_response();
  // kResponse, before each answer: whether it answers a HEAD request (then no body follows). Holds until the next call.
  void expect_response_to(std::string_view method);
  bool body_until_close() const;
  // Whether the connection may carry another message after this one, by version, Connection and framing.
  bool keep_alive() const;
  FieldList take_trailers();  // raw; field_rules decides about them
  Fault fault() const;
  bool in_head() const;  // at least one byte of a head has come and it is not complete
  bool idle() const;     // between messages, nothing of the next one seen

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
