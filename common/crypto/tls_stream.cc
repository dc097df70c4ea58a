#include "common/crypto/tls_stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include <openssl/err.h>

#include "common/crypto/tls_wire.h"
#include "common/event_loop.h"

namespace gatehouse {

namespace {

// Before each call whose error is looked at, so that it is that call's. ERR_clear_error() wipes sixteen entries, a
// thousand instructions, whether there is an error or not.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

constexpr std::size_t kFirstRecord = 1370;           // with its frame it fits one TCP segment, also over IPv6 and PPPoE
constexpr std::size_t kFullRecord = 16 * 1024;       // RFC 8446 section 5.1
constexpr std::size_t kBatch = 64 * 1024;            // ciphertext that is gathered before it is sent
constexpr std::size_t kWorthwhileRun = 4 * 1024;     // a run from this size on is encrypted where it lies
constexpr std::size_t kWorthwhileRoom = 4 * 1024;    // less room than this at the end of a buffer is not decrypted into
constexpr Duration kIdle = std::chrono::seconds(1);  // after which the path's congestion window counts as unknown again

thread_local std::array<char, kFullRecord> staging;

// Small runs make one record; of a large one only as much goes with them as makes the record worth while, so that the
// rest of it need not be copied.
std::string_view gather(const Buffer& from, std::size_t limit) {
  const std::size_t enough = std::min(limit, kWorthwhileRun);
  if (from.front().size() >= std::min(enough, from.size())) return from.front().substr(0, limit);
  std::size_t size = 0;
  bool full = false;
  from.for_each([&](std::string_view run) {
    if (full) return;
    if (run.size() > limit - size) {
      run = run.substr(0, size < enough ? enough - size : 0);
      full = true;
    }
    std::memcpy(staging.data() + size, run.data(), run.size());
    size += run.size();
  });
  return {staging.data(), size};
}

}  // namespace

struct TlsStream::State {
  explicit State(TcpStream& socket) : wire(socket) {}

  enum class Closing { kNo, kWhenSent, kDone };
  struct Incoming {
    MonotonicTime turn{};         // in which it was last read
    bool waits_for_turn = false;  // this turn's records have been read
    bool dry = false;             // OpenSSL needs more than there is, and the socket will call
    bool unseen = false;          // something has come since the last read()
    bool at_end = false;          // close_notify
  };
  struct Outgoing {
    std::size_t next_record = kFirstRecord;
    MonotonicTime last_write{};
    bool broken = false;  // what has arrived can still be read
    Closing closing = Closing::kNo;
  };
  // What the other side has sent, and what of it carried data.
  struct Effort {
    std::uint64_t data = 0;      // bytes that have moved, both ways
    std::uint64_t messages = 0;  // of TLS itself, since the handshake
    std::uint32_t in_a_row = 0;  // records without data
  };
  // What the user waits for.
  struct Wanted {
    bool read = true;
    bool write = false;
  };

  TlsWire wire;
  Incoming in;
  Outgoing out;
  Effort effort;
  Wanted wanted;
  bool established = false;  // the handshake is done
  bool failed = false;
  std::string failure_reason;
};

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
  // Otherwise OpenSSL takes the session for broken and will not resume it.
  if (!state_->failed && SSL_is_init_finished(ssl_.get()) == 1) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  socket_->set_user(nullptr);
}

TlsStream::Handshake TlsStream::handshake() {
  State& state = *state_;
  if (state.failed) return Handshake::kFailed;
  if (state.in.waits_for_turn) return Handshake::kInProgress;
  state.in.unseen = false;
  begin_turn();
  state.wire.limit_receive(kFullRecord);
  int done = 0;
  int error = SSL_ERROR_NONE;
  do {
    forget_errors();
    done = SSL_do_handshake(ssl_.get());
    error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
  } while (error == SSL_ERROR_WANT_READ && asks_again());
  state.wire.keep_rest();
  if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ) fail(error);
  const IoStatus flushed = flush();
  if (!state.failed && flushed == IoStatus::kBroken) {
    state.failed = true;
    state.failure_reason = "reset";
  }
  if (state.failed) return Handshake::kFailed;
  state.wanted.write = flushed == IoStatus::kWouldBlock;
  state.established = done == 1;
  if (done == 1) return Handshake::kDone;
  state.wanted.read = true;
  return Handshake::kInProgress;
}

std::string TlsStream::failure_reason() const {
  return state_->failure_reason;
}

void TlsStream::set_user(User* user) {
  State& state = *state_;
  user_ = user;
  state.wanted.read = true;
  state.wanted.write = false;
  // OpenSSL or the wire may hold bytes for which the socket will never call.
  if (SSL_is_init_finished(ssl_.get()) == 1 && !state.in.dry) state.in.unseen = true;
  if (user_ != nullptr && state.in.unseen) notifier_.wake();
}

IoResult TlsStream::read(Buffer& into, std::size_t max) {
  assert(max > 0);
  State& state = *state_;
  state.in.unseen = false;
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
  if (state.in.at_end) {
    result.status = IoStatus::kEof;
  } else if (state.failed) {
    result.status = IoStatus::kBroken;
  } else {
    result.status = IoStatus::kWouldBlock;
    state.wanted.read = true;
  }
  return result;
}

// Called by OpenSSL for whatever it reads and writes.
void TlsStream::on_message(int written, int /*version*/, int type, const void* /*bytes*/, std::size_t /*size*/,
                           SSL* /*ssl*/, void* self) {
  State& state = *static_cast<TlsStream*>(self)->state_;
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
  forget_errors();
  while (result.bytes < max) {
    const std::size_t wanted = max - result.bytes;
    const std::span<char> room = into.prepare(std::min(wanted, kWorthwhileRoom));
    std::size_t count = 0;
    const int done = SSL_read_ex(ssl_.get(), room.data(), std::min(room.size(), wanted), &count);
    into.commit(done == 1 ? count : 0);
    result.bytes += done == 1 ? count : 0;
    if (done == 1) {
      state_->effort.data += count;
      state_->effort.in_a_row = 0;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), done);
    if (too_much_without_data()) {
      fail_for_excess();
    } else if (error == SSL_ERROR_WANT_READ) {
      if (asks_again()) continue;
    } else if (error == SSL_ERROR_ZERO_RETURN) {
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
  if (now - state.out.last_write >= kIdle) state.out.next_record = kFirstRecord;
  state.out.last_write = now;
  forget_errors();
  while (!from.empty() && state.wire.output().size() < kBatch) {
    const std::string_view record = gather(from, state.out.next_record);
    std::size_t count = 0;
    if (SSL_write_ex(ssl_.get(), record.data(), record.size(), &count) != 1) {
      const int error = SSL_get_error(ssl_.get(), 0);
      if (error == SSL_ERROR_WANT_READ) return IoStatus::kWouldBlock;  // the handshake is still going on
      fail(error);
      return IoStatus::kBroken;
    }
    from.consume(count);
    taken += count;
    state.effort.data += count;
    state.out.next_record = std::min(state.out.next_record * 2, kFullRecord);
  }
  return IoStatus::kOk;
}

std::size_t TlsStream::unsent() const {
  return state_->wire.output().size();
}

bool TlsStream::unread() const {
  return state_->in.unseen || state_->in.waits_for_turn || SSL_has_pending(ssl_.get()) == 1 || socket_->unread();
}

void TlsStream::shutdown_write() {
  State& state = *state_;
  if (state.out.closing != State::Closing::kNo) return;
  state.out.closing = State::Closing::kWhenSent;
  if (!state.failed && SSL_is_init_finished(ssl_.get()) == 1) {
    forget_errors();
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
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  if (state.wire.input_status() == IoStatus::kEof) {
    state.failure_reason = "eof";
  } else if (state.wire.input_status() == IoStatus::kBroken) {
    state.failure_reason = "reset";
  } else {
    state.failure_reason = reason != nullptr ? reason : "ssl error " + std::to_string(ssl_error);
  }
  forget_errors();
}

void TlsStream::fail_for_excess() {
  State& state = *state_;
  state.failed = true;
  state.failure_reason = "too much without data";
  forget_errors();
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
