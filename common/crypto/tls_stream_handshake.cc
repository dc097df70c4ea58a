#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

#include "common/crypto/tls_records.h"
#include "common/crypto/tls_stream.h"
#include "common/crypto/tls_stream_state.h"

namespace gatehouse {

TlsStream::Handshake TlsStream::handshake() {
  State& state = *state_;
  if (state.failed) return Handshake::kFailed;
  if (state.in.waits_for_turn) return in_progress();
  state.in.unseen = false;
  begin_turn();
  state.wire.limit_receive(tls_records::kLargest);
  int done = 0;
  int error = SSL_ERROR_NONE;
  do {
    State::forget_errors();
    done = shake_hands();
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
  // Who has written an answer to early data may be waiting for the same room.
  if (flushed == IoStatus::kOk && state.wanted.write && state.early.pending()) notifier_.wake();
  if (flushed == IoStatus::kWouldBlock || !state.early.pending()) {
    state.wanted.write = flushed == IoStatus::kWouldBlock;
  }
  if (done == 1) return establish();
  state.wanted.read = true;
  return in_progress();
}

// As SSL_do_handshake(); what comes as early data on the way is kept for read().
int TlsStream::shake_hands() {
  State::Early& early = state_->early;
  while (early.stage == State::Early::Stage::kReading) {
    const std::span<char> room = early.held.prepare(State::kWorthwhileRoom);
    std::size_t count = 0;
    const int outcome = SSL_read_early_data(ssl_.get(), room.data(), room.size(), &count);
    early.held.commit(outcome == SSL_READ_EARLY_DATA_SUCCESS ? count : 0);
    if (outcome == SSL_READ_EARLY_DATA_ERROR) return 0;
    if (outcome == SSL_READ_EARLY_DATA_FINISH) early.stage = State::Early::Stage::kAwaitingFinished;
  }
  return SSL_do_handshake(ssl_.get());
}

TlsStream::Handshake TlsStream::in_progress() const {
  return state_->early.held.empty() ? Handshake::kInProgress : Handshake::kEarlyData;
}

TlsStream::Handshake TlsStream::establish() {
  State& state = *state_;
  state.established = true;
  state.early.stage = State::Early::Stage::kNone;
  if (state.out.closing == State::Closing::kWhenEstablished) {
    state.out.closing = State::Closing::kNo;
    shutdown_write();
  }
  return Handshake::kDone;
}

// Before the handshake is done nothing but early data can be read; what is left of it then comes first.
IoResult TlsStream::read_early(Buffer& into, std::size_t max) {
  State& state = *state_;
  if (state.failed) return {.status = IoStatus::kBroken};
  if (state.early.held.empty()) {
    state.wanted.read = true;
    return {.status = IoStatus::kWouldBlock};
  }
  const std::size_t size = std::min(max, state.early.held.size());
  into.append(state.early.held.split(size));
  state.effort.data += size;
  return {.status = IoStatus::kOk, .bytes = size};
}

}  // namespace gatehouse
