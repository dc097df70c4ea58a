// One request stream of HTTP/3: a head on its way in, then an exchange whose two bodies it moves between the pipes and
// nghttp3. Owned by its H3Session; destroying it cancels the exchange. One loop's thread.
//
//   DATA -> arrived_ --room()--> request pipe     response pipe --> offered_ (nghttp3 has seen it) --acknowledged-->
//   gone
//
// What the client's window lets in but the pipe has no room for waits in arrived_, bounded by that window; the windows
// of the stream and of the connection open only as the endpoint takes it, so that all streams together hold no more
// than the connection's. What has been sent stays in offered_ until it is acknowledged, bounded by kMaxUnacknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <nghttp3/nghttp3.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/waker.h"
#include "proxy/http/exchange.h"
#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

class H3Session;

class H3Stream {
 public:
  H3Stream(H3Session& session, std::int64_t id);
  ~H3Stream();
  H3Stream(const H3Stream&) = delete;
  H3Stream& operator=(const H3Stream&) = delete;

  std::int64_t id() const { return id_; }

  // --- nghttp3's callbacks ---
  bool add_field(std::int32_t token, std::string_view name, std::string_view value);  // false: far beyond all limits
  void head_ended(bool fin);
  void body(std::span<const std::uint8_t> bytes);
  bool add_trailer(std::string_view name, std::string_view value);
  void request_ended();
  nghttp3_ssize provide(nghttp3_vec* parts, std::size_t max, std::uint32_t* flags);
  void acknowledged(std::size_t bytes);

  // --- the session ---
  void sent(std::size_t bytes, bool fin);
  void give_up();  // the client did, or the stream is reset: cancels the exchange
  // Nobody waits any more for what is held of the request: the connection's window for it goes back.
  void drop_held();
  bool responded() const { return state_.writing == Writing::kEnded; }
  bool begun() const { return state_.reading != Reading::kHead; }  // its head is complete
  // Nothing has moved for too long: a head that does not end, or an answer that is not taken.
  std::optional<Fault> overdue(MonotonicTime now) const;
  void fail(Fault fault);  // overdue: leaves a record; the session resets the stream

 private:
  enum class Reading : std::uint8_t { kHead, kBody, kEnded };
  enum class Writing : std::uint8_t { kNothing, kHeadSent, kWaitsForBody, kAllOffered, kEnded };

  SectionMeter::Verdict measure(std::string_view name, std::string_view value, const SectionMeter::Limit& limit);
  void begin(std::optional<Fault> fault);
  void progress();  // the exchange's waker
  void move_request();
  void give_credit(std::size_t drained);
  void release(std::size_t count);
  void move_response();
  void submit(const ResponseHead& head);
  void offer_trailers(std::uint32_t* flags);
  MonotonicTime now() const;

  // Answer bytes on their way.
  struct Offered {
    std::vector<Buffer> chunks;  // as nghttp3 has seen them, from `first` on
    std::size_t first = 0;
    std::size_t bytes = 0;  // of the chunks
    Buffer rest;            // read from the pipe, not yet offered
    void drop(std::size_t count);
  };
  struct State {
    Reading reading = Reading::kHead;
    Writing writing = Writing::kNothing;
    SectionMeter meter;        // of the head, then of the trailers
    std::uint64_t window = 0;  // the client's for this stream, as we have let it grow
    std::size_t held = 0;      // received and not yet taken by the endpoint: the connection's window is smaller by it
    MonotonicTime moved{};     // when something last went the way that we wait for
  };

  H3Session& session_;
  std::int64_t id_;
  Waker waker_;
  RawRequest raw_;
  FieldList trailers_;
  Buffer arrived_;
  Offered offered_;
  State state_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace gatehouse
