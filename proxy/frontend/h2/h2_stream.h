// One HTTP/2 request and its answer: decodes the head into an exchange, moves DATA to its request pipe and its answer
// to DATA. Owned by its H2Connection from the first byte of its HEADERS until nghttp2 has closed it; one loop's
// thread.
//
//   on_header.. on_head -> Exchange -> on_data.. on_end                   (called by nghttp2 while bytes are fed to it)
//   progress (waker): head -> submit_response; then next_data, take_data  (called by nghttp2 while it makes frames)
//
// A client may reset it, and nghttp2 refuse it, at any point. on_closed() comes last, once; not at all if the
// connection closes first, which destroys the stream and cancels its exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "common/clock.h"
#include "common/waker.h"
#include "proxy/frontend/upload_window.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/http/head_collector.h"

namespace gatehouse {

class H2Connection;

class H2Stream {
 public:
  // How far the client may send ahead at first.
  static constexpr std::size_t kFirstWindow = BodyPipe::kDefaultCapacity;

  // Makes no exchange before the head is complete. `connection` owns the stream.
  H2Stream(H2Connection& connection, std::int32_t id);

  // Where the connection keeps it.
  using Position = std::list<H2Stream>::iterator;
  void set_position(Position position) { position_ = position; }
  Position position() const { return position_; }
  std::int32_t id() const { return id_; }
  // It is one of ours, whose request the client was promised.
  bool pushed() const { return id_ % 2 == 0; }

  // --- The request. Names and values are as nghttp2 has found them valid. ---

  // The client has been promised this request: there is no other. Instead of all that follows.
  void begin_promised(RequestHead head);
  // The promise has been sent: nghttp2 knows the stream.
  void on_promised();
  // A field of the head, or of the trailers once the head is complete. What is over a limit is decoded but not kept.
  // Returns false if so much has been decoded of this section that the connection has to end.
  [[nodiscard]] bool on_header(std::string_view name, std::string_view value);
  // At most once. Makes the exchange, or one that answers for a fault. `end`: the request ends with it.
  void on_head(bool end);
  // Any number of times after the head. The window for the bytes goes back as the endpoint takes them.
  void on_data(Buffer bytes);
  // How far the client may send ahead.
  UploadWindow& window() { return window_; }
  // An empty DATA frame that does not end the request. Returns false if there have been too many of them.
  bool on_empty_data();
  // The body, or the trailers, are complete: at most once, and not where on_head() was the end.
  void on_end();
  // nghttp2 has refused the request, or a field of it, and resets the stream. Returns false if it was being reset
  // already.
  bool on_malformed();
  // The client has reset the stream: nothing is sent on it any more.
  void on_cancelled();
  // nghttp2 has closed the stream. Cancels the exchange.
  void on_closed();

  // --- The answer. ---

  // Returns how many bytes the next DATA frame gets, at most `most`, or NGHTTP2_ERR_DEFERRED; `flags` are nghttp2's.
  // A body that is shorter or longer than its Content-Length ends in a reset.
  nghttp2_ssize next_data(std::size_t most, std::uint32_t& flags);
  // The bytes that next_data() has promised last. REQUIRES: `size` is what it returned
  Buffer take_data(std::size_t size);
  // END_STREAM has left. If the request has not ended, the client is told to stop (RFC 9113 section 8.1).
  void on_end_sent();
  // A head or the trailers cannot be sent: the answer is broken, and never an end.
  void on_not_sent();
  // The head of its answer is there, or was.
  bool responding() const { return state_.head_sent; }
  MonotonicTime opened() const { return opened_; }
  // Its head is complete.
  bool begun() const { return state_.decoding != Decoding::kHead; }

  // Small frames only because the client gives out little window are held back: each would cost as much as a large
  // one.
  bool held_back() const { return state_.held_back; }
  // Tries again, as more window has come; or sends the frame however small it is.
  void retry_held_back(bool as_small_as_it_is);
  // The client says with a frame how urgent it is, before or after the request's head: that counts more than a field of
  // the head. What the endpoint says of it counts most (RFC 9218 section 8).
  void on_priority(const nghttp2_extpri& said);
  // The pipe is empty, and is not at its end.
  bool drained();
  // The client has opened the stream's window.
  void on_window() { ++pace_.moves; }
  // The client has stalled, and the connection ends: the exchange is told why.
  void on_stalled(Fault fault);
  // How long the client may take nothing, or little; the listener's before there is an exchange.
  Patience patience() const;

 private:
  enum class Decoding : std::uint8_t { kHead, kBody, kTrailers };
  struct State {
    Decoding decoding = Decoding::kHead;
    bool request_ended = false;
    bool head_sent = false;
    // nghttp2 waits for nghttp2_session_resume_data.
    bool deferred = false;
    // RST_STREAM is on its way, or the client's has come.
    bool reset = false;
    // The head was not valid: its authority may be anything.
    bool rejected = false;
    bool held_back = false;
    // The next small frame is sent.
    bool small_allowed = false;
    std::uint32_t empty_frames = 0;
    // By a frame.
    std::optional<nghttp2_extpri> priority;
  };

  // How far the client has come with this answer, in what it acknowledged and in window. What it acknowledges of other
  // streams counts while this one waits for its turn, and not while it waits for window.
  struct Pace {
    std::int64_t moves = 0;
    // Of the connection, when last looked at.
    std::int64_t acknowledged = 0;
    // The position behind the stream's last byte.
    std::int64_t sent = 0;
  };

  // The exchange's waker.
  void progress();
  // As Pace tells.
  std::int64_t client_progress();
  // The exchange was just made.
  void follow_client();
  // Makes an exchange that answers for the fault, or resets the stream where no answer is allowed.
  void reject(Fault fault);
  void give_credit();
  bool send_head();
  // Tells nghttp2 what it does not know of the priority.
  void settle_priority();
  // Where the listener wants it: what the answer says of HTTP/3, in a frame as well.
  void tell_alternatives(const ResponseHead& head);
  void resume();
  void reset(std::uint32_t code);

  H2Connection& connection_;
  const std::int32_t id_;
  const MonotonicTime opened_;
  Position position_;
  State state_;
  HeadCollector collector_;
  // Received bytes whose stream window is not given back yet.
  std::size_t uncredited_ = 0;
  UploadWindow window_{kFirstWindow};
  Pace pace_;
  Waker waker_;
  // Last: uses the waker.
  std::optional<Exchange> exchange_;
};

}  // namespace gatehouse
