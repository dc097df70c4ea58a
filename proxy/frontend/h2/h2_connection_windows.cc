// What of H2Connection is about windows: ours, that clients send into, and the client's, that it opens.
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "proxy/frontend/h2/h2_connection.h"

namespace gatehouse {

namespace {

constexpr std::chrono::milliseconds kSmallFrameDelay{200};

}  // namespace

// --- ours ---

// The stream's window opens as its endpoint reads, the connection's at once, so that one slow endpoint does not stop
// the others; unless endpoints leave so much unread that the client has to wait.
void H2Connection::account(std::int32_t stream, std::size_t received, std::size_t taken) {
  state_.held += received;
  state_.held -= taken;
  state_.window_owed += received;
  if (taken > 0) nghttp2_session_consume_stream(session_.get(), stream, taken);
  open_connection_window();
}

void H2Connection::forget(std::size_t held) {
  state_.held -= held;
  open_connection_window();
}

void H2Connection::open_connection_window() {
  if (state_.window_owed > 0 && state_.held <= kMostHeld + state_.growth.taken()) {
    nghttp2_session_consume_connection(session_.get(), std::exchange(state_.window_owed, 0));
  }
}

void H2Connection::grow_window(std::int32_t stream, UploadWindow& window, std::size_t taken, std::size_t behind) {
  if (window.grow(taken, behind, context_.loop.now(), state_.growth) == 0) return;
  set_window(stream, window.size());
  set_window(0, kConnectionWindow + state_.growth.taken());
}

void H2Connection::shrink_window(UploadWindow& window) {
  const std::size_t grown = window.shrink();
  if (grown == 0) return;
  state_.growth.give_back(grown);
  set_window(0, kConnectionWindow + state_.growth.taken());
}

// nghttp2 tells the client of more at once, and of less by giving back less of what is used.
void H2Connection::set_window(std::int32_t stream, std::size_t size) {
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, stream, static_cast<std::int32_t>(size));
}

// --- the client's ---

void H2Connection::expect_window() {
  if (deadlines_[kSmallFrames] == MonotonicTime::max()) set_deadline(kSmallFrames, kSmallFrameDelay);
}

void H2Connection::on_window_opened() {
  if (deadlines_[kSmallFrames] == MonotonicTime::max()) return;
  for (H2Stream& stream : streams_.open) {
    if (stream.held_back()) stream.retry_held_back(false);
  }
}

}  // namespace gatehouse
