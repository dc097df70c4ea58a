// One request stream of HTTP/3: a head on its way in, then an exchange whose two bodies it moves between the pipes
// and nghttp3. Owned by its H3Session; destroying it cancels the exchange. One loop's thread.
//
//   stream -- H3RequestReader -- fields --> collector_ --> exchange_
//                             -- DATA --> arrived_ --room()--> request pipe
//   response pipe --> offered_.rest --> offered_.chunks (nghttp3 has seen them) --acknowledged--> gone
//
// What the client's window lets in but the pipe has no room for waits in arrived_, bounded by that window; the
// windows of the stream and of the connection open only as the endpoint takes it, so that all streams together hold
// no more than the connection's. What has been sent stays in offered_ until it is acknowledged, bounded by
// kMaxUnacknowledged (1 MiB).
//
// nghttp3 calls next_data() and on_acknowledged() once an answer has been submitted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include <nghttp3/nghttp3.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/waker.h"
#include "proxy/frontend/h3/h3_field_decoder.h"
#include "proxy/frontend/h3/h3_frames.h"
#include "proxy/frontend/h3/h3_request_reader.h"
#include "proxy/frontend/upload_window.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/http/exchange/stall_watch.h"
#include "proxy/http/fault.h"
#include "proxy/http/head_collector.h"
#include "proxy/http/message.h"

namespace gatehouse {

class H3Session;

class H3Stream {
 public:
  // The time for the head begins.
  H3Stream(H3Session& session, std::int64_t id);
  ~H3Stream();
  H3Stream(const H3Stream&) = delete;
  H3Stream& operator=(const H3Stream&) = delete;

  std::int64_t id() const { return id_; }

  // --- what arrived ---

  // The next bytes of the stream, in order.
  std::expected<void, H3FieldDecoder::Code> receive(H3Bytes bytes, bool fin);
  // The client's table has grown: reads what waited for that.
  std::expected<void, H3FieldDecoder::Code> resume();

  // --- nghttp3's callbacks ---

  // Gives nghttp3 the next bytes of the answer in up to `max` parts and returns how many parts, or
  // NGHTTP3_ERR_WOULDBLOCK: the stream is resumed when there is more. The bytes stay where they are until they are
  // acknowledged.
  nghttp3_ssize next_data(nghttp3_vec* parts, std::size_t max, std::uint32_t* flags);
  void on_acknowledged(std::size_t bytes);

  // --- the session ---

  // Bytes have been put into packets; `fin`: the answer has been sent in full, and the exchange is over.
  void on_sent(bool fin);
  // The stream has no window.
  void on_blocked() { pace_.needs_window = true; }
  // The client has opened the stream's window.
  void on_window();
  // The client did, or the stream is reset or closed: cancels the exchange.
  void on_cancelled();
  UploadWindow& window() { return state_.window; }
  // Answered in full.
  bool responded() const { return state_.writing == Writing::kEnded; }
  // The head of its answer is there, or was.
  bool responding() const { return state_.writing != Writing::kNothing; }
  // What a field of the head says of the priority does not count: the client has said it otherwise.
  void keep_priority() { state_.has_priority = true; }
  // The client has said the priority anew: what the endpoint has said of it still counts more.
  void overrule_priority();
  MonotonicTime opened() const { return opened_; }
  // Its head is complete.
  bool begun() const { return state_.reading != Reading::kHead; }
  // Returns what is wrong if nothing has moved for too long: a head that does not end (kHeaderTimeout), or an answer
  // that the client does not take (kClientStalled, kResponseTooSlow).
  std::optional<Fault> overdue(MonotonicTime now);
  // Notes the fault in the exchange's record, and makes one where the head has not ended, so that the log tells of
  // it. The session then resets the stream or ends the connection.
  void fail(Fault fault);

 private:
  enum class Reading : std::uint8_t { kHead, kBody, kEnded };
  // kHeadSent: nghttp3 asks for the body by itself. kWaitsForBody: it has been told to wait. kAllOffered: it has
  // everything.
  enum class Writing : std::uint8_t { kNothing, kHeadSent, kWaitsForBody, kAllOffered, kEnded };

  // Reads on in what the reader has been given.
  std::expected<void, H3FieldDecoder::Code> read();
  std::expected<void, H3FieldDecoder::Code> on_field(const H3FieldDecoder::Field& field);
  void on_section();
  // The bytes are copied. They reach the request pipe in a waker.
  void on_data(H3Bytes bytes);
  void on_empty_frame();
  void on_end();
  // The stream has ended and there is no head.
  void on_no_head();
  // Whether a body that `differs` from what the head has promised makes the message malformed.
  bool breaks_promise(bool differs) const;
  void refuse_body();
  // Gives back the windows for what has been read, but for the body.
  void credit_read();
  void begin(std::optional<Fault> fault);
  // The exchange's waker.
  void progress();
  void move_request();
  // The endpoint has taken so many bytes: both windows open again, and the stream's may grow.
  void give_credit(std::size_t drained);
  // Nobody waits any more for what is held of the request: the connection's window for it goes back.
  void drop_held();
  // Gives back the connection's window for so many bytes.
  void release(std::size_t count);
  void move_response();
  void submit(const ResponseHead& head);
  // RESET_STREAM overtakes what is on its way, which an endpoint that resets behind its body wants to arrive.
  bool may_break_off() const {
    return exchange_->broken_off() != Fault::kResetByEndpoint || (offered_.bytes == 0 && offered_.rest.empty());
  }
  void offer_trailers(std::uint32_t* flags);
  MonotonicTime now() const;
  // As Pace tells.
  std::int64_t client_progress();

  // Answer bytes on their way.
  struct Offered {
    // As nghttp3 has seen them, from `first` on.
    std::vector<Buffer> chunks;
    std::size_t first = 0;
    // Of the chunks.
    std::size_t bytes = 0;
    // Read from the pipe, not yet offered.
    Buffer rest;
    // They have been acknowledged.
    void drop(std::size_t count);
  };
  struct State {
    Reading reading = Reading::kHead;
    Writing writing = Writing::kNothing;
    // The client's for this stream.
    UploadWindow window{0};
    // Received and not yet taken by the endpoint: the connection's window is smaller by it.
    std::size_t held = 0;
    // When the time for the head began.
    MonotonicTime opened{};
    // Of the body: what the head has promised, if anything, and what has come.
    std::optional<std::uint64_t> promised;
    std::uint64_t received = 0;
    // DATA frames with nothing in them.
    std::uint32_t empty_frames = 0;
    bool has_priority = false;
  };
  // How far the client has come with this answer, in what it acknowledged and in window. What it acknowledges of other
  // streams counts while this one waits for its turn, and not while it waits for window.
  struct Pace {
    std::int64_t moves = 0;
    // Of all streams, when last looked at, and of this one since.
    std::uint64_t acknowledged = 0;
    bool needs_window = false;
    // Of what has left the pipe.
    ClientStall stall;
  };

  H3Session& session_;
  std::int64_t id_;
  MonotonicTime opened_;
  Waker waker_;
  H3RequestReader reader_;
  HeadCollector collector_;
  Buffer arrived_;
  Offered offered_;
  State state_;
  Pace pace_;
  // Last: uses the waker.
  std::optional<Exchange> exchange_;
};

}  // namespace gatehouse
