#include "proxy/frontend/h2/h2_connection.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/abuse_report.h"
#include "proxy/frontend/h2/h2_callbacks.h"
#include "proxy/frontend/lingering_close.h"

namespace gatehouse {

namespace {

constexpr std::size_t kReadPerTurn = 64 * 1024;
constexpr std::uint32_t kStreamWindow = H2Stream::kFirstWindow;
constexpr std::uint32_t kStreamsForNghttp2 = 0x7fffffff;
constexpr std::int32_t kLastStream = 0x7fffffff;             // none can follow (RFC 9113 section 5.1.1)
constexpr std::size_t kFrameHead = 9;                        // RFC 9113 section 4.1
constexpr std::size_t kSettingsEntry = 6;                    // a number of two bytes and a value of four
constexpr std::chrono::milliseconds kGoawayRoundTrip{1000};  // for the ping that follows the first GOAWAY
constexpr std::chrono::milliseconds kGoawayDelivery{1000};   // for the last words of a connection that is terminated

}  // namespace

H2Connection::Timers::Timers(H2Connection& connection)
    : deadline(connection.context_.loop, connection.until_closed([&connection] { connection.on_timer(); })),
      stall(connection.context_.loop, connection.until_closed([&connection] { connection.on_stalled(); })) {
  stall.follow([&connection] { return connection.transport_.acknowledged(); });
}

H2Connection::H2Connection(ListenerContext& context, ClientTransport transport, Buffer received)
    : context_(context),
      transport_(std::move(transport)),
      guard_(context.loop.now()),
      input_(std::move(received)),
      session_(H2Callbacks::make_session(*this)),
      progress_(context.loop, until_closed([this] { receive(); })),
      flush_(context.loop, until_closed([this] { flush(); }), Waker::Phase::kFlush),
      timers_(*this) {
  const auto protocol = static_cast<std::size_t>(Protocol::kH2);
  context_.counters.connections[protocol].add();
  context_.counters.connections_total[protocol].add();
  deadlines_.fill(MonotonicTime::max());
  transport_.stream->set_user(this);
  set_deadline(kIdle, context_.policy->connection.idle_timeout);
  if (!begin_session()) {
    state_.terminating = true;  // nothing more is asked of a session that may not be there
    set_deadline(kClose, Duration::zero());
  }
  if (context.draining) drain();
  arm_timer();
  progress_.wake();
  flush_.wake();
}

H2Connection::~H2Connection() {
  if (transport_.stream) transport_.stream->set_user(nullptr);
  context_.counters.connections[static_cast<std::size_t>(Protocol::kH2)].subtract();
}

bool H2Connection::begin_session() {
  return session_ && announce_settings() &&
         nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0,
                                               static_cast<std::int32_t>(kConnectionWindow)) == 0;
}

// They are the first frame on the wire: nghttp2 makes it at once, with the number of streams as the first entry.
bool H2Connection::announce_settings() {
  const ListenerPolicy& policy = *context_.policy;
  state_.max_streams = policy.connection.max_streams;
  const std::array<nghttp2_settings_entry, 5> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsForNghttp2},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(policy.head.max_header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  if (nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0) return false;
  const std::uint8_t* bytes = nullptr;
  const nghttp2_ssize size = nghttp2_session_mem_send2(session_.get(), &bytes);
  if (size <= 0) return false;
  std::string frame(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  if (frame.size() != kFrameHead + settings.size() * kSettingsEntry) return false;
  for (std::size_t i = 0; i < sizeof state_.max_streams; ++i) {
    frame[kFrameHead + sizeof(std::uint16_t) + i] = static_cast<char>(state_.max_streams >> (24 - 8 * i) & 0xffU);
  }
  output_.append(frame);
  return true;
}

// --- stream -> input_ -> session_ ---

void H2Connection::receive() {
  if (!session_) return close();
  std::size_t count = 0;
  IoResult result;
  while (!state_.terminating && result.status == IoStatus::kOk && count < kReadPerTurn) {
    result = transport_.stream->read(input_, kReadPerTurn - count);
    count += result.bytes;
  }
  if (!input_.empty()) feed();
  if (result.status == IoStatus::kEof || result.status == IoStatus::kBroken) return close();
  if (result.status == IoStatus::kOk && !state_.terminating) set_deadline(kNextTurn, Duration::zero());
  if (count > 0) flush_.wake();
  arm_timer();
}

void H2Connection::feed() {
  while (!input_.empty() && !state_.terminating) {
    const H2FrameScreen::Look look = streams_.screen.pass(input_.front());
    read(look.size);
    if (look.finding != H2FrameScreen::Finding::kNone) act_on(look);
  }
  input_.clear();
  streams_.ended.clear();
}

void H2Connection::read(std::size_t size) {
  state_.fed_from_run = 0;
  state_.feeding = true;
  const nghttp2_ssize fed =
      nghttp2_session_mem_recv2(session_.get(), reinterpret_cast<const std::uint8_t*>(input_.front().data()), size);
  state_.feeding = false;
  input_.consume(size - state_.fed_from_run);
  if (fed == NGHTTP2_ERR_FLOODED) count(Abuse::kLibraryVerdict);
  if (fed < 0) cut(Abuse::kProtocolError, NGHTTP2_PROTOCOL_ERROR);
  say_last_words();
}

void H2Connection::act_on(const H2FrameScreen::Look& look) {
  switch (look.finding) {
    case H2FrameScreen::Finding::kNone:
      return;
    case H2FrameScreen::Finding::kPerhapsStray:
      if (nghttp2_session_find_stream(session_.get(), look.stream) != nullptr) return;
      return count(Abuse::kClosedStream);
    case H2FrameScreen::Finding::kStray:
      return count(Abuse::kClosedStream);
    case H2FrameScreen::Finding::kStreamError:
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, look.stream, look.code);
      return count(Abuse::kForcedReset);
    case H2FrameScreen::Finding::kConnectionError:
      return cut(Abuse::kProtocolError, look.code);
  }
}

H2Stream* H2Connection::open_stream(std::int32_t id) {
  guard_.stream_opened(context_.loop.now());
  clear_deadline(kIdle);
  ++state_.requests;
  const std::uint64_t most = context_.policy->connection.max_requests;
  if (id == kLastStream || (most != 0 && state_.requests >= most)) drain();
  H2Stream& stream = streams_.open.emplace_front(*this, id);
  stream.set_position(streams_.open.begin());
  if (!streams_.early.empty()) take_early(stream);
  return &stream;
}

// Called by nghttp2: the stream is destroyed when that call has returned.
void H2Connection::end_stream(H2Stream& stream) {
  stream.on_closed();
  if (stream.pushed()) {
    streams_.pushes.closed();
  } else {
    note_closed(stream.id(), stream.window().size());
  }
  shrink_window(stream.window());
  streams_.ended.splice(streams_.ended.end(), streams_.open, stream.position());
  clear_deadline(kHeaders);
  if (!streams_.open.empty()) return;
  set_deadline(kIdle, context_.policy->connection.idle_timeout);
  context_.connections.touch(*this);
  if (context_.gives_way()) drain();
}

void H2Connection::note_closed(std::int32_t stream, std::size_t window) {
  if (streams_.screen.closed(stream)) guard_.stream_closed(window);
}

void H2Connection::count(Abuse act) {
  if (state_.terminating || guard_.allows(act, context_.loop.now())) return;
  cut(act, NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Connection::tell_alternatives(std::string_view authority, std::string_view alt_svc) {
  if (!state_.alternatives) state_.alternatives = std::make_unique<H2Alternatives>();
  state_.alternatives->tell(session_.get(), authority, alt_svc);
}

void H2Connection::cut(Abuse why, std::uint32_t code) {
  if (state_.terminating) return;
  report_abuse(context_, transport_.peer, why);
  terminate(code);
}

// --- session_ -> output_ -> stream ---

void H2Connection::flush() {
  if (!session_) return close();
  // What the stream has not taken stands before what could be made now.
  if (state_.blocked) write_output();
  while (!state_.closed && !state_.blocked) {
    make_frames();
    const bool refilling = std::exchange(state_.refilling, false);
    const bool full = output_.size() >= kOutputMark;
    if (refilling) flush_.wake();
    if (output_.empty() || (refilling && !full)) break;
    write_output();
    if (refilling || !full) break;
  }
  if (state_.closed) return;
  const bool done = nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
  if (done) return finish();
  arm_timer();
}

void H2Connection::make_frames() {
  while (output_.size() < kOutputMark) {
    const std::uint8_t* bytes = nullptr;
    const nghttp2_ssize size = nghttp2_session_mem_send2(session_.get(), &bytes);
    if (size <= 0) break;
    output_.append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
  streams_.ended.clear();
}

void H2Connection::write_output() {
  const IoResult result = transport_.write(output_);
  if (result.status == IoStatus::kBroken) return close();
  const bool was_blocked = std::exchange(state_.blocked, result.status == IoStatus::kWouldBlock);
  if (was_blocked && !state_.blocked && streams_.open.empty()) context_.connections.touch(*this);
  watch_client();
}

// What waits belongs to all streams, and the most patient of them decides.
void H2Connection::watch_client() {
  if (!state_.blocked) return timers_.stall.rest();
  if (timers_.stall.waiting()) return;
  if (streams_.open.empty()) return timers_.stall.wait(context_.policy->exchange.patience());
  Patience most = streams_.open.front().patience();
  for (const H2Stream& stream : streams_.open) {
    const Patience patience = stream.patience();
    most.silence = std::max(most.silence, patience.silence);
    most.min_rate = std::min(most.min_rate, patience.min_rate);
  }
  timers_.stall.wait(most);
}

// --- ends ---

void H2Connection::terminate(std::uint32_t code) {
  if (std::exchange(state_.terminating, true)) return;
  state_.last_words = code;
  if (!state_.feeding) say_last_words();
  set_deadline(kClose, kGoawayDelivery);
  flush_.wake();
}

// nghttp2 that is told to end while it reads goes on with what it has, in a state that its next step may not expect: it
// ends the process by an assertion (nghttp2 pull request 2509).
void H2Connection::say_last_words() {
  if (const auto code = std::exchange(state_.last_words, std::nullopt)) {
    nghttp2_session_terminate_session(session_.get(), *code);
  }
}

// RFC 9113 section 6.8: first a GOAWAY that refuses nothing, and once the client must have seen it the one that counts.
void H2Connection::drain() {
  if (state_.terminating || std::exchange(state_.draining, true)) return;
  nghttp2_submit_shutdown_notice(session_.get());
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  set_deadline(kFinalGoaway, kGoawayRoundTrip);
  arm_timer();
  flush_.wake();
}

void H2Connection::send_final_goaway() {
  clear_deadline(kFinalGoaway);
  if (state_.terminating || std::exchange(state_.final_goaway_sent, true)) return;
  const std::int32_t last = nghttp2_session_get_last_proc_stream_id(session_.get());
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  flush_.wake();
}

ClientConnection::Standing H2Connection::standing() const {
  if (std::ranges::any_of(streams_.open, &H2Stream::begun)) return Standing::kServing;
  if (!output_.empty() || transport_.stream->unsent() > 0) return Standing::kServing;
  return streams_.open.empty() && state_.requests > 0 ? Standing::kIdle : Standing::kUnfinished;
}

// Where nothing runs, the GOAWAY tells a client whose request is on its way that it may ask again elsewhere.
void H2Connection::close_now() {
  if (session_ && !state_.terminating && standing() != Standing::kServing) {
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    make_frames();
    transport_.write(output_);
    transport_.stream->shutdown_write();
  }
  close();
}

void H2Connection::finish() {
  ClientTransport transport = std::move(transport_);
  transport.belongings.reset();
  transport.stream->set_user(nullptr);
  LingeringClose::begin(context_, std::move(transport), std::move(output_));
  close();
}

void H2Connection::on_stalled() {
  if (!state_.terminating) report_abuse(context_, transport_.peer, Abuse::kStalled);
  for (H2Stream& stream : streams_.open) stream.on_stalled(timers_.stall.fault());
  transport_.stream->abort_on_close();
  close();
}

void H2Connection::close() {
  assert(!state_.closed);
  state_.closed = true;
  timers_.stall.rest();
  streams_.open.clear();
  if (transport_.stream) transport_.stream->set_user(nullptr);
  context_.connections.close(*this);
}

// --- timeouts ---

void H2Connection::set_deadline(Deadline which, Duration after) {
  deadlines_[which] = context_.loop.now() + after;
}

void H2Connection::arm_timer() {
  const MonotonicTime first = *std::ranges::min_element(deadlines_);
  timers_.deadline.arm_at(first);
}

void H2Connection::on_timer() {
  const MonotonicTime now = context_.loop.now();
  for (std::size_t i = 0; i < kDeadlineCount && !state_.closed; ++i) {
    if (deadlines_[i] > now) continue;
    deadlines_[i] = MonotonicTime::max();
    on_deadline(static_cast<Deadline>(i));
  }
  if (!state_.closed) arm_timer();
}

void H2Connection::on_deadline(Deadline which) {
  switch (which) {
    case kSettings:
      return cut(Abuse::kUnacknowledgedSettings, NGHTTP2_SETTINGS_TIMEOUT);
    case kHeaders:
      return cut(Abuse::kUnfinishedHead, NGHTTP2_ENHANCE_YOUR_CALM);
    case kIdle:
      return terminate(NGHTTP2_NO_ERROR);
    case kFinalGoaway:
      return send_final_goaway();
    case kSmallFrames:
      for (H2Stream& stream : streams_.open) {
        if (stream.held_back()) stream.retry_held_back(true);
      }
      return flush_.wake();
    case kNextTurn:
      return receive();
    case kClose:
      return close();
  }
}

}  // namespace gatehouse
