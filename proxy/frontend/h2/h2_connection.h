// A client connection that speaks HTTP/2, by ALPN or with prior knowledge: an nghttp2 server session between the
// stream and the exchanges of its H2Streams. Owned by its listener's connection list; one loop's thread.
//
//   stream -> input_ -> session_ -> H2Stream -> Exchange      DATA moves in the slab it was read into
//   stream <- output_ <- session_ <- H2Stream <- Exchange     all frames of a turn in one write, in the flush phase
//
// nghttp2's callbacks (h2_callbacks.cc) run inside feed() and make_frames(): streams that end there are kept in
// `ended` until the call has returned.
//
//   drain():     GOAWAY, highest id; PING --answered, or 1 s--> GOAWAY, last id --no streams--> finish()
//   terminate(): GOAWAY with the code; nothing more is read --all sent--> finish(), or after 1 s closed
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/abuse_guard.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/h2/h2_alternatives.h"
#include "proxy/frontend/h2/h2_frame_screen.h"
#include "proxy/frontend/h2/h2_pushes.h"
#include "proxy/frontend/h2/h2_stream.h"
#include "proxy/frontend/upload_window.h"
#include "proxy/http/exchange/stall_watch.h"

namespace gatehouse {

struct H2SessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
using H2SessionPtr = std::unique_ptr<nghttp2_session, H2SessionDeleter>;

class H2Connection final : public ClientConnection, private ByteStream::User {
 public:
  // No more frames are made while so much waits to be sent.
  static constexpr std::size_t kOutputMark = 64 * 1024;
  // What the client may send on all streams together before window is given back.
  static constexpr std::size_t kConnectionWindow = 1 << 20;
  // Received and unread by endpoints. Beyond it, and what windows have grown by, the connection's window stays closed.
  static constexpr std::size_t kMostHeld = 512 * 1024;

  // `received` is what was read of the stream already. Begins on its own, in a waker.
  H2Connection(ListenerContext& context, ClientTransport transport, Buffer received = {});
  ~H2Connection() override;

  // Streams that run are finished. Requests that cross the first GOAWAY are still served (RFC 9113 section 6.8).
  void drain() override;
  Standing standing() const override;
  bool unread() const override { return transport_.stream->unread(); }
  // Where no request runs, GOAWAY tells the client that it may ask again elsewhere.
  void close_now() override;

  // The rest is for its streams and H2Callbacks.
  nghttp2_session* session() const { return session_.get(); }
  const ListenerContext& context() const { return context_; }
  const ClientTransport& transport() const { return transport_; }
  ClientTransport& transport() { return transport_; }
  // Frames are made and written at the end of this turn.
  void wake_flush() { flush_.wake(); }
  // `received` more bytes are held for the stream; `taken` fewer, whose window goes back to the client. The
  // connection's window goes back at once, unless more than kMostHeld is held.
  void account(std::int32_t stream, std::size_t received, std::size_t taken);
  // `held` bytes of a stream that has ended will not be taken any more.
  void forget(std::size_t held);
  // The endpoint has taken `taken` bytes of the stream's and left `behind`: where the window slows the client, it grows,
  // and the connection's with it.
  void grow_window(std::int32_t stream, UploadWindow& window, std::size_t taken, std::size_t behind);
  // The stream has ended: what its window has grown by is there for others.
  void shrink_window(UploadWindow& window);
  // A stream holds back a small frame: it is asked again when window comes, and after 200 ms to send it as small as
  // it is.
  void expect_window();
  // Promises the client what the response of `parent` makes it ask for next, if it wants that; a response that was
  // pushed itself promises nothing. The promises leave before the head of the response, which is to be submitted next.
  void push(const H2Stream& parent, const Exchange& exchange);
  // How often the client has opened the window of all streams.
  std::int64_t windows_opened() const { return state_.windows; }
  // Where the next byte of a stream will stand among those that transport() has written.
  std::int64_t position() const { return transport_.written + static_cast<std::int64_t>(output_.size()); }
  // Counts what the client did and terminates the connection if it is one too many. The streams live on until nghttp2
  // has returned.
  void count(Abuse act);
  // For an answer of the origin with that authority: the ALTSVC frame, if the client does not know what it says.
  void tell_alternatives(std::string_view authority, std::string_view alt_svc);
  // Terminates the connection with the code, and says in log and metric why. Nothing happens if it ends already.
  void cut(Abuse why, std::uint32_t code);
  // Sends GOAWAY with the code, then closes. Only the first call counts.
  void terminate(std::uint32_t code);

 private:
  friend struct H2Callbacks;
  // What the one timer is for. kSettings: the client acknowledges ours (RFC 9113 section 6.5.3). kHeaders: a head
  // ends. kIdle: a stream is opened. kFinalGoaway, kClose: see the drawing above. kSmallFrames: see expect_window().
  // kNextTurn: reading goes on after the others had their turn.
  enum Deadline : std::uint8_t { kSettings, kHeaders, kIdle, kFinalGoaway, kSmallFrames, kNextTurn, kClose };
  static constexpr std::size_t kDeadlineCount = 7;
  using Deadlines = std::array<MonotonicTime, kDeadlineCount>;
  struct State {
    // Bytes of the run being fed that callbacks have moved on.
    std::size_t fed_from_run = 0;
    // Received and not yet read by endpoints.
    std::size_t held = 0;
    // Connection window kept back because of `held`.
    std::size_t window_owed = 0;
    // What the windows of all streams have grown by, and the connection's with them.
    UploadGrowth growth;
    // Since the connection began.
    std::uint64_t requests = 0;
    // How many streams may be open at once, as our SETTINGS have said.
    std::uint32_t max_streams = 0;
    bool draining = false;
    bool final_goaway_sent = false;
    bool terminating = false;
    // nghttp2 reads: what ends its session has to wait until it has returned.
    bool feeding = false;
    // The code of the last GOAWAY, until nghttp2 has it.
    std::optional<std::uint32_t> last_words;
    // Of the head that comes.
    std::size_t continuations = 0;
    // How often the client has opened the connection's window.
    std::int64_t windows = 0;
    // The stream will call on_writable(), if the client does not stall.
    bool blocked = false;
    // make_frames() has stopped at a stream whose pipe is empty for now.
    bool refilling = false;
    bool closed = false;
    // Made with the first frame.
    std::unique_ptr<H2Alternatives> alternatives;
  };
  // What the client has said of a stream that it has not opened yet.
  struct EarlyPriority {
    std::int32_t stream;
    nghttp2_extpri priority;
  };
  struct Streams {
    std::list<H2Stream> open;
    // Closed by nghttp2, and destroyed when its call has returned.
    std::list<H2Stream> ended;
    H2FrameScreen screen;
    std::vector<EarlyPriority> early;
    H2Pushes pushes;
  };
  struct Timers {
    explicit Timers(H2Connection& connection);
    Timer deadline;
    // Of what is in output_ and in the stream.
    StallWatch stall;
  };

  void on_readable() override { receive(); }
  void on_writable() override { flush(); }

  // Returns false if nghttp2 cannot be set up: memory is short.
  bool begin_session();
  void receive();
  // Gives nghttp2 what is in input_, up to each finding of the screen.
  void feed();
  // Gives it the first `size` bytes, which lie in one run.
  void read(std::size_t size);
  void act_on(const H2FrameScreen::Look& look);
  void flush();
  // Takes from nghttp2 what it has to send, up to kOutputMark.
  void make_frames();
  // May close the connection.
  void write_output();
  // Whether it is the client that the output waits for.
  void watch_client();
  // The client takes nothing of it: a reset.
  void on_stalled();

  // nghttp2 would end the connection for a stream beyond the limit that it announces. It is made to announce ours, and
  // to allow what no client gets to: H2Callbacks refuses the stream alone (RFC 9113 section 5.1.2).
  bool announce_settings();
  // As many streams are open as we have said.
  bool full() const { return opened_by_client() >= state_.max_streams; }
  std::size_t opened_by_client() const { return streams_.open.size() - streams_.pushes.open(); }
  H2Stream* open_stream(std::int32_t id);
  // PRIORITY_UPDATE (RFC 9218 section 7.1).
  void on_priority_update(const nghttp2_ext_priority_update& update);
  void keep_early(EarlyPriority said);
  // The stream opens: tells it what the client has said before.
  void take_early(H2Stream& stream);
  // The stream has given all that its pipe had: whether no other is asked in its stead before endpoints had their turn.
  // Else one that goes first would be overtaken each time.
  bool lets_endpoints_go_on(H2Stream& stream);
  void promise(const H2Stream& parent, const RequestHead& request, const std::string& target);
  // nghttp2 could not send the promise: it knows of no such stream.
  void on_not_promised(std::int32_t id);
  void end_stream(H2Stream& stream);
  // We have closed the stream; `window` is what the client may have sent ahead on it.
  void note_closed(std::int32_t stream, std::size_t window);
  void open_connection_window();
  // Of the stream, or with 0 of the connection.
  void set_window(std::int32_t stream, std::size_t size);
  void on_window_opened();
  // Gives nghttp2 the code that terminate() has left. REQUIRES: it is not reading.
  void say_last_words();
  void send_final_goaway();

  void set_deadline(Deadline which, Duration after);
  void clear_deadline(Deadline which) { deadlines_[which] = MonotonicTime::max(); }
  void arm_timer();
  void on_timer();
  void on_deadline(Deadline which);
  // Everything is sent and nothing is awaited: FIN, and a LingeringClose takes over.
  void finish();
  // Last statement.
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
  Timers timers_;
};

}  // namespace gatehouse
