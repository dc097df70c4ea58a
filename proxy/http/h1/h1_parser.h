// Reads HTTP/1.x messages, requests or answers, one event at a time, and with no leniency that was not asked for: what
// other readers might take for another message is refused (RFC 9112 section 11). Owned by a connection, to a client
// (H1Connection) or to an endpoint (ResponseReader); one thread. Bytes may come in pieces of any size; the outcome is
// the same. Call parse() with what was not consumed, even if that is nothing, until it says kNeedMore: the end of a
// message is an event of its own.
//
//   kHead -> kBody, any number of times -> kEnd -> kHead ...
//   kNeedMore may stand between any two of them; kFault may take the place of any, and nothing else follows it.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "config/policy/balancing.h"
#include "proxy/http/counters.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"

namespace gatehouse {

class H1Parser {
 public:
  enum class Kind { kRequest, kResponse };
  enum class Event {
    // Everything is consumed, and nothing more can be said without more input.
    kNeedMore,
    // A head is complete: take_request() or take_response().
    kHead,
    // `body` is the next piece, a view of the input.
    kBody,
    // The message is complete: take_trailers(). The next parse() begins the next message.
    kEnd,
    // fault() says why. The parser is of no use any more, and says so to every further call.
    kFault,
  };
  // `consumed` counts from the beginning of the input, and includes `body` and the framing before it.
  struct Step {
    Event event = Event::kNeedMore;
    std::size_t consumed = 0;
    std::string_view body;
  };

  H1Parser(Kind kind, const HeadLimits& limits);
  ~H1Parser();
  H1Parser(H1Parser&&) noexcept;
  H1Parser& operator=(H1Parser&&) noexcept;

  // Reads on, up to the next event. Up to two empty lines before a request are skipped (RFC 9112 section 2.2).
  Step parse(std::string_view input);
  // The input has ended. kEnd: that completes the message (an answer delimited by close). kNeedMore: it was between
  // messages. kFault: it was in the middle of one (kClientGone for requests; kUpstreamClosed in a head,
  // kUpstreamTruncated behind it).
  Step finish();

  // Between kHead and the next parse(). After a fault in a head it returns what was known of it, for the log.
  // `protocol` is kH10 or kH1; `secure` is the connection's to set.
  RawRequest take_request();
  // Between kHead and the next parse(). Content-Length and Transfer-Encoding have left the fields for `body`; its
  // kUnknown may be chunked or delimited by close, see body_until_close().
  ResponseHead take_response();
  // For answers, before each head: says whether it answers a HEAD request (then no body follows), and whether what is
  // not quite HTTP is put right (h1_repair.h; blanks behind the size of a chunk). Holds until the next call.
  void expect_response_to(std::string_view method, Tolerance tolerance = Tolerance::kStrict);
  // Whether the body of this answer ends where the connection does (RFC 9112 section 6.3).
  bool body_until_close() const;
  // What had to be put right so far: such a connection is of no use for another request, whatever keep_alive() says.
  Repairs repairs() const;
  // Whether the connection may carry another message after this one, by version, Connection and framing.
  bool keep_alive() const;
  // Returns the trailers as they came; field_rules decides about them. Empty if there were none.
  FieldList take_trailers();
  // REQUIRES: kFault was returned.
  Fault fault() const;
  // At least one byte of a head has come, and it is not complete.
  bool in_head() const;
  // It stands between messages, and nothing of the next one has come.
  bool idle() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
