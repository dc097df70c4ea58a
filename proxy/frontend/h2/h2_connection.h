// A client connection that speaks HTTP/2, by ALPN or with prior knowledge: an nghttp2 server session between the stream
// and the exchanges of its H2Streams. Owned by its listener's connection list; one loop's thread.
//
//   stream -> input_ -> session_ -> H2Stream -> Exchange      DATA moves in the slab it was read into
//   stream <- output_ <- session_ <- H2Stream <- Exchange     all frames of a turn in one write, in the flush phase
//
// nghttp2's callbacks (h2_callbacks.cc) run inside feed() and make_frames(): streams that end there are kept in
// `ended` until the call has returned.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

#include <nghttp2/nghttp2.h>

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/abuse_guard.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/h2/h2_stream.h"

namespace gatehouse {

struct H2SessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using H2SessionPtr = std::unique_ptr<nghttp2_session, H2SessionDeleter>;

class H2Connection final : public ClientConnection, private ByteStream::User {
 public:
  static constexpr std::size_t kOutputMark = 64 * 1024;  // no more frames are made while so much waits to be sent
  static constexpr std::int32_t kConnectionWindow = 1 << 20;
  static constexpr std::size_t kMostHeld = 512 * 1024;  // unread by endpoints; beyond it the window stays closed

  // `received` is what was read of the stream already. Begins on its own, in a waker.
  H2Connection(ListenerContext& context, ClientTransport transport, Buffer received = {});
  ~H2Connection() override;

  void drain() override;
  Standing standing() const override;
  bool unread() const override { return transport_.stream->unread(); }
  void close_now() override;

  // For its streams.
  nghttp2_session* session() const { return session_.get(); }
  const ListenerContext& context() const { return context_; }
  const ClientTransport& transport() const { return transport_; }
  void wake_flush() { flush_.wake(); }
  // `received` more bytes are held for the stream; `taken` fewer.
  void account(std::int32_t stream, std::size_t received, std::size_t taken);
  void forget(std::size_t held);       // of a stream that has ended
  void expect_window();                // a stream holds back a small frame
  void count(Abuse act);               // ends the connection if it is one too many
  void terminate(std::uint32_t code);  // GOAWAY with the code, then close

 private:
  friend struct H2Callbacks;
  enum Deadline : std::uint8_t { kSettings, kHeaders, kIdle, kFinalGoaway, kOutput, kSmallFrames, kNextTurn, kClose };
  static constexpr std::size_t kDeadlineCount = 8;
  using Deadlines = std::array<MonotonicTime, kDeadlineCount>;
  struct State {
    std::size_t fed_from_run = 0;  // bytes of the run being fed that callbacks have moved on
    std::size_t held = 0;          // received and not yet read by endpoints
    std::size_t window_owed = 0;   // connection window kept back because of `held`
    std::uint64_t requests = 0;
    bool draining = false;
    bool final_goaway_sent = false;
    bool terminating = false;
    bool blocked = false;  // the stream will call on_writable()
    bool closed = false;
  };
  struct Streams {
    std::list<H2Stream> open;
    std::list<H2Stream> ended;
  };

  void on_readable() override { receive(); }
  void on_writable() override { flush(); }

  bool begin_session();
  void receive();
  void feed();
  void flush();
  void make_frames();
  void write_output();

  H2Stream* open_stream(std::int32_t id);
  void end_stream(H2Stream& stream);
  void open_connection_window();
  void on_window_opened();
  void send_final_goaway();

  void set_deadline(Deadline which, Duration after);
  void clear_deadline(Deadline which) { deadlines_[which] = MonotonicTime::max(); }
  void arm_timer();
  void on_timer();
  void on_deadline(Deadline which);
  void finish();
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  AbuseGuard guard_;
  State state_;
  Deadlines deadlines_;
  Buffer input_;
  Buffer output_;
  H2SessionPtr session_;
  Streams streams_;
  Waker progress_;
  Waker flush_;
  Timer timer_;
};

}  // namespace gatehouse
