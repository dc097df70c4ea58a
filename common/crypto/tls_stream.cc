#include "common/crypto/tls_stream.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <openssl/err.h>

#include "common/crypto/tls_records.h"
#include "common/crypto/tls_stream_state.h"
#include "common/event_loop.h"

namespace gatehouse {

namespace {

constexpr std::size_t kBatch = 64 * 1024;            // ciphertext that is gathered before it is sent
constexpr Duration kIdle = std::chrono::seconds(1);  // after which the path's congestion window counts as unknown again

}  // namespace

TlsStream::TlsStream(EventLoop& loop, std::unique_ptr<TcpStream> socket, SslPtr ssl)
    : loop_(loop),
      socket_(std::move(socket)),
      state_(std::make_unique<State>(*socket_)),
      ssl_(std::move(ssl)),
      notifier_(loop, [this] { notify(); }),
      next_turn_(loop, [this] { go_on(); }) {
  SSL_set_mode(ssl_.get(),
               SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);  // or one read would go on for as long as KeyUpdates come
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
  SSL_set_options(ssl_.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_clear_options(ssl_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);  // a truncated stream must not look ended
  SSL_set_read_ahead(ssl_.get(), 0);                            // the wire reads ahead, in memory that is shared
  if (SSL_is_server(ssl_.get()) == 1 && SSL_get_max_early_data(ssl_.get()) > 0) {
    state_->early.stage = State::Early::Stage::kReading;
    // Nor may a connection that is cut off spoil a ticket: OpenSSL takes it for the end, and we tell the two apart.
    SSL_set_options(ssl_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  }
  if (TlsWire::BioPtr bio = state_->wire.make_bio()) {
    BIO* shared = bio.release();
    SSL_set_bio(ssl_.get(), shared, shared);
  } else {
    state_->failed = true;
    state_->failure_reason = "out of memory";
  }
  socket_->set_user(this);
}

TlsStream::~TlsStream() {
  // Otherwise OpenSSL takes the session for broken and will not resume it. That a connection was cut off says nothing
  // of its session.
  const IoStatus input = state_->wire.input_status();
  const bool cut_off = input == IoStatus::kEof || input == IoStatus::kBroken;
  if ((!state_->failed || cut_off) && SSL_is_init_finished(ssl_.get()) == 1) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  if (socket_) socket_->set_user(nullptr);
}

std::string TlsStream::failure_reason() const {
  return state_->failure_reason;
}

int TlsStream::alert() const {
  return state_->alert;
}

Buffer TlsStream::take_plain_text() {
  return std::move(state_->wire.plain_text());
}

std::unique_ptr<TcpStream> TlsStream::take_socket() {
  socket_->set_user(nullptr);
  return std::move(socket_);
}

void TlsStream::set_user(User* user) {
  State& state = *state_;
  user_ = user;
  state.wanted.read = true;
  state.wanted.write = false;
  // OpenSSL or the wire may hold bytes for which the socket will never call.
  if (SSL_is_init_finished(ssl_.get()) == 1 && !state.in.dry) state.in.unseen = true;
  if (!state.early.held.empty()) state.in.unseen = true;
  if (user_ != nullptr && state.in.unseen) notifier_.wake();
}

IoResult TlsStream::read(Buffer& into, std::size_t max) {
  assert(max > 0);
  State& state = *state_;
  state.in.unseen = false;
  if (state.early.pending() || !state.early.held.empty()) [[unlikely]] {
    return read_early(into, max);
  }
  IoResult result;
  if (!state.in.at_end && !state.failed && !state.in.dry && !state.in.waits_for_turn) {
    begin_turn();
    state.wire.limit_receive(max);
    result = decrypt(into, max);
    state.wire.keep_rest();
    if (!state.wire.output().empty()) {
      flush();
      if (state.wanted.write && (state.wire.output().empty() || state.out.broken)) notifier_.wake();
    }
    if (result.bytes > 0) return result;
  }
  if (state.in.at_end) return {.status = IoStatus::kEof};
  if (state.failed) return {.status = IoStatus::kBroken};
  state.wanted.read = true;
  return {.status = IoStatus::kWouldBlock};
}

IoStatus TlsStream::peek() {
  State& state = *state_;
  const IoStatus below = socket_->peek();
  if (state.in.dry && !state.failed && !state.in.at_end && below == IoStatus::kWouldBlock) return below;
  state.in.dry = false;
  Buffer unwanted;
  const IoResult result = read(unwanted, State::kWorthwhileRoom);
  if (result.bytes > 0) return IoStatus::kOk;
  // The head of a record may be all that OpenSSL has, and then it is in none of its buffers.
  const bool in_record = SSL_has_pending(ssl_.get()) == 1 || std::string_view(SSL_rstate_string(ssl_.get())) == "RB";
  const bool unsure = result.status == IoStatus::kWouldBlock && (state.in.waits_for_turn || in_record);
  return unsure ? IoStatus::kOk : result.status;
}

// Called by OpenSSL for whatever it reads and writes.
void TlsStream::on_message(int written, int /*version*/, int type, const void* bytes, std::size_t size, SSL* /*ssl*/,
                           void* self) {
  State& state = *static_cast<TlsStream*>(self)->state_;
  if (written == 0 && type == SSL3_RT_ALERT && size == 2) {
    state.in.closed = static_cast<const unsigned char*>(bytes)[1] == SSL_AD_CLOSE_NOTIFY;
  }
  if (written != 0 || !state.established) return;
  if (type == SSL3_RT_HEADER) ++state.effort.in_a_row;
  if (type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT) ++state.effort.messages;
}

bool TlsStream::too_much_without_data() const {
  constexpr unsigned kMiB = 20;
  return state_->effort.in_a_row > kMostWithoutData ||
         state_->effort.messages > kMostMessages + kMostMessages * (state_->effort.data >> kMiB);
}

void TlsStream::begin_turn() {
  if (std::exchange(state_->in.turn, loop_.now()) != loop_.now()) state_->wire.begin_turn();
}

// Whether OpenSSL would find nothing more to decrypt: asking it costs as much as decrypting a small record.
bool TlsStream::has_all() {
  State& state = *state_;
  if (SSL_pending(ssl_.get()) > 0 || !state.wire.dry()) return false;
  state.in.dry = true;
  state.wire.begin_turn();
  return true;
}

// After SSL_ERROR_WANT_READ: there are bytes, and OpenSSL has stopped only to let us have a look.
bool TlsStream::asks_again() {
  State& state = *state_;
  if (state.wire.exhausted()) {
    state.in.waits_for_turn = true;
    next_turn_.arm(Duration::zero());
    return false;
  }
  state.in.dry = state.wire.starved();
  if (state.in.dry) state.wire.begin_turn();
  return !state.in.dry;
}

void TlsStream::go_on() {
  State& state = *state_;
  state.in.waits_for_turn = false;
  state.in.unseen = true;
  state.wire.begin_turn();
  notify();
}

// Why it stopped is left in state_.
IoResult TlsStream::decrypt(Buffer& into, std::size_t max) {
  IoResult result;
  State::forget_errors();
  while (result.bytes < max) {
    const std::size_t wanted = max - result.bytes;
    const std::span<char> room = into.prepare(std::min(wanted, State::kWorthwhileRoom));
    std::size_t count = 0;
    const int done = SSL_read_ex(ssl_.get(), room.data(), std::min(room.size(), wanted), &count);
    into.commit(done == 1 ? count : 0);
    result.bytes += done == 1 ? count : 0;
    if (done == 1) {
      state_->effort.data += count;
      state_->effort.in_a_row = 0;
      if (has_all()) break;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), done);
    if (too_much_without_data()) {
      fail_for_excess();
    } else if (error == SSL_ERROR_WANT_READ) {
      if (asks_again()) continue;
    } else if (error == SSL_ERROR_ZERO_RETURN && state_->in.closed) {
      state_->in.at_end = true;
    } else {
      fail(error);
    }
    break;
  }
  return result;
}

IoResult TlsStream::write(Buffer& from) {
  State& state = *state_;
  assert(state.out.closing == State::Closing::kNo || from.empty());
  state.wanted.write = false;
  IoResult result;
  result.status = state.failed ? IoStatus::kBroken : flush();
  while (result.status == IoStatus::kOk && !from.empty()) {
    result.status = encrypt_batch(from, result.bytes);
    const IoStatus flushed = flush();
    if (result.status == IoStatus::kOk) result.status = flushed;
  }
  if (result.status == IoStatus::kWouldBlock) state.wanted.write = true;
  return result;
}

IoStatus TlsStream::encrypt_batch(Buffer& from, std::size_t& taken) {
  State& state = *state_;
  const MonotonicTime now = loop_.now();
  if (now - state.out.last_write >= kIdle) state.out.next_record = State::kFirstRecord;
  state.out.last_write = now;
  State::forget_errors();
  while (!from.empty() && state.wire.output().size() < kBatch) {
    const std::string_view record = tls_records::gather(from, state.out.next_record);
    std::size_t count = 0;
    const int done = state.early.pending() ? SSL_write_early_data(ssl_.get(), record.data(), record.size(), &count)
                                           : SSL_write_ex(ssl_.get(), record.data(), record.size(), &count);
    if (done != 1) {
      const int error = SSL_get_error(ssl_.get(), 0);
      if (error == SSL_ERROR_WANT_READ) return IoStatus::kWouldBlock;  // the handshake is still going on
      fail(error);
      return IoStatus::kBroken;
    }
    from.consume(count);
    taken += count;
    state.effort.data += count;
    state.out.next_record = std::min(state.out.next_record * 2, tls_records::kLargest);
  }
  return IoStatus::kOk;
}

std::size_t TlsStream::unsent() const {
  return state_->wire.output().size();
}

std::uint64_t TlsStream::written() const {
  return state_->wire.written();
}

bool TlsStream::unread() const {
  return state_->in.unseen || state_->in.waits_for_turn || !state_->early.held.empty() ||
         SSL_has_pending(ssl_.get()) == 1 || socket_->unread();
}

IoStatus TlsStream::peer_status() const {
  if (state_->failed) return IoStatus::kBroken;
  return state_->in.at_end ? IoStatus::kEof : socket_->peer_status();
}

void TlsStream::shutdown_write() {
  State& state = *state_;
  if (state.out.closing != State::Closing::kNo) return;
  if (state.early.pending() && !state.failed) {
    state.out.closing = State::Closing::kWhenEstablished;
    return;
  }
  state.out.closing = State::Closing::kWhenSent;
  if (!state.failed && SSL_is_init_finished(ssl_.get()) == 1) {
    State::forget_errors();
    SSL_shutdown(ssl_.get());  // 0 for as long as the other side's close_notify is missing, which nobody waits for here
  }
  flush();
}

// Sends what is gathered; kOk: nothing is left.
IoStatus TlsStream::flush() {
  State& state = *state_;
  Buffer& output = state.wire.output();
  if (state.out.broken) return IoStatus::kBroken;
  const IoStatus status = output.empty() ? IoStatus::kOk : socket_->write(output).status;
  if (status == IoStatus::kOk && state.out.closing == State::Closing::kWhenSent) {
    state.out.closing = State::Closing::kDone;
    socket_->shutdown_write();
  }
  if (status == IoStatus::kBroken) state.out.broken = true;
  if (status != IoStatus::kWouldBlock) output.clear();
  return status;
}

void TlsStream::fail(int ssl_error) {
  State& state = *state_;
  state.failed = true;
  const unsigned long first = ERR_peek_error();
  const char* reason = ERR_reason_error_string(first);
  if (ERR_GET_LIB(first) == ERR_LIB_SSL && ERR_GET_REASON(first) > SSL_AD_REASON_OFFSET) {
    state.alert = ERR_GET_REASON(first) - SSL_AD_REASON_OFFSET;
  }
  if (state.wire.input_status() == IoStatus::kEof) {
    state.failure_reason = "eof";
  } else if (state.wire.input_status() == IoStatus::kBroken) {
    state.failure_reason = "reset";
  } else {
    state.failure_reason = reason != nullptr ? reason : "ssl error " + std::to_string(ssl_error);
  }
  State::forget_errors();
}

void TlsStream::fail_for_excess() {
  State& state = *state_;
  state.failed = true;
  state.failure_reason = "too much without data";
  State::forget_errors();
  if (excess_) excess_();
}

void TlsStream::on_readable() {
  state_->in.dry = false;
  state_->in.unseen = true;
  if (!state_->in.waits_for_turn) notify();
}

void TlsStream::on_writable() {
  if (flush() != IoStatus::kWouldBlock) notify();
}

// One call a time, for the user may drop the stream in it; the second comes from the waker.
void TlsStream::notify() {
  State& state = *state_;
  if (user_ == nullptr) return;
  const bool tell_writable = state.wanted.write && (state.wire.output().empty() || state.out.broken);
  if (state.wanted.read && state.in.unseen) {
    state.wanted.read = false;
    if (tell_writable) notifier_.wake();
    user_->on_readable();
  } else if (tell_writable) {
    state.wanted.write = false;
    user_->on_writable();
  }
}

}  // namespace gatehouse
