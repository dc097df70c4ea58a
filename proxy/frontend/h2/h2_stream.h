// One HTTP/2 request and its answer: decodes the head into an exchange, moves DATA to its request pipe and its answer
// to DATA. Owned by its H2Connection from the first byte of its HEADERS until nghttp2 has closed it; one loop's thread.
//
//   on_header.. on_head_complete -> Exchange -> on_data.. on_end          (called by nghttp2 while bytes are fed to it)
//   progress (waker): head -> submit_response; then next_data, take_data  (called by nghttp2 while it makes frames)
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "common/waker.h"
#include "proxy/http/exchange.h"

namespace gatehouse {

class H2Connection;

class H2Stream {
 public:
  H2Stream(H2Connection& connection, std::int32_t id);

  // Where the connection keeps it.
  using Position = std::list<H2Stream>::iterator;
  void set_position(Position position) { position_ = position; }
  Position position() const { return position_; }

  // The request. Names and values are as nghttp2 has found them valid.
  // Returns false if so much has been decoded of this head that the connection has to end.
  [[nodiscard]] bool on_header(std::string_view name, std::string_view value);
  void on_head_complete(bool end_of_message);
  void on_data(Buffer bytes);
  bool on_empty_data();  // false: too many of them
  void on_end();
  bool on_malformed();  // nghttp2 has refused it, or a field of it; false: it was being reset already
  void on_cancelled();  // by the client
  void on_closed();

  // The answer.
  // How many bytes the next DATA frame gets, at most `most`, or NGHTTP2_ERR_DEFERRED; `flags` are nghttp2's.
  nghttp2_ssize next_data(std::size_t most, std::uint32_t& flags);
  Buffer take_data(std::size_t size);
  void on_end_sent();
  bool responded() const { return state_.end_sent; }
  bool begun() const { return state_.decoding != Decoding::kHead; }  // its head is complete

  // Small frames only because the client gives out little window are held back: each would cost as much as a large one.
  bool held_back() const { return state_.held_back; }
  void retry_held_back(bool as_small_as_it_is);

 private:
  enum class Decoding : std::uint8_t { kHead, kBody, kTrailers };
  struct State {
    Decoding decoding = Decoding::kHead;
    bool request_ended = false;
    bool head_sent = false;
    bool deferred = false;  // nghttp2 waits for nghttp2_session_resume_data
    bool end_sent = false;
    bool reset = false;  // RST_STREAM is on its way
    bool held_back = false;
    bool small_allowed = false;
    std::uint32_t empty_frames = 0;
    SectionMeter meter;  // of the head, then of the trailers
  };

  void progress();
  void begin(bool end_of_message);
  void reject(Fault fault);
  void keep_pseudo_field(std::string_view name, std::string_view value);
  void give_credit();
  bool send_head();
  bool body_complete() const;
  void resume();
  void reset(std::uint32_t code);

  H2Connection& connection_;
  const std::int32_t id_;
  Position position_;
  State state_;
  RawRequest raw_;  // until the head is complete
  FieldList trailers_;
  std::size_t uncredited_ = 0;  // received bytes whose stream window is not given back yet
  std::uint64_t sent_ = 0;
  Waker waker_;
  std::optional<Exchange> exchange_;  // last: uses the waker
};

}  // namespace gatehouse
