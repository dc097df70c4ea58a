#include "tests/support/memory_stream.h"

#include <algorithm>
#include <cassert>

#include "common/event_loop.h"

namespace gatehouse::testing_support {

MemoryStream::Pair MemoryStream::make_pair(EventLoop& loop, std::size_t room) {
  Pair pair(std::make_unique<MemoryStream>(loop, room), std::make_unique<MemoryStream>(loop, room));
  pair.first->peer_ = pair.second.get();
  pair.second->peer_ = pair.first.get();
  return pair;
}

MemoryStream::MemoryStream(EventLoop& loop, std::size_t room) : room_(room), notifier_(loop, [this] { call_user(); }) {}

MemoryStream::~MemoryStream() {
  if (peer_ == nullptr) return;
  peer_->peer_ = nullptr;
  // As the kernel does it: closing with bytes unread is a reset, not an end.
  peer_->arrive_end(abort_on_close_ || !in_.bytes.empty());
}

void MemoryStream::set_user(User* user) {
  user_ = user;
  in_.wanted = true;
  out_.wanted = false;
  in_.end_untold = user_ != nullptr && peer_status() != IoStatus::kOk && user_->follows_peer();
  if (user_ != nullptr && (in_.news || in_.end_untold)) notifier_.wake();
}

IoStatus MemoryStream::peer_status() const {
  if (in_.reset) return IoStatus::kBroken;
  return in_.ended ? IoStatus::kEof : IoStatus::kOk;
}

IoResult MemoryStream::read(Buffer& into, std::size_t max) {
  assert(max > 0);
  in_.news = false;
  if (!in_.bytes.empty()) {
    ++counts_.reads;
    const bool was_full = peer_ != nullptr && in_.bytes.size() >= room_;
    Buffer piece = in_.bytes.split(std::min(max, in_.bytes.size()));
    const std::size_t count = piece.size();
    into.append(std::move(piece));
    if (was_full && peer_ != nullptr) peer_->notifier_.wake();
    return {.status = IoStatus::kOk, .bytes = count};
  }
  if (in_.reset) return {.status = IoStatus::kBroken};
  if (in_.ended) return {.status = IoStatus::kEof};
  in_.wanted = true;
  return {.status = IoStatus::kWouldBlock};
}

std::size_t MemoryStream::room_at_peer() const {
  return peer_->room_ - std::min(peer_->room_, peer_->in_.bytes.size());
}

IoResult MemoryStream::write(Buffer& from) {
  assert(!out_.shut || from.empty());
  IoResult result;
  if (from.empty()) return result;
  // After the peer has gone: the first bytes are answered by a reset.
  if (peer_ == nullptr || in_.reset) {
    in_.reset = true;
    result.status = IoStatus::kBroken;
    return result;
  }
  ++counts_.writes;
  const std::size_t limit = std::exchange(out_.next_limit, static_cast<std::size_t>(-1));
  result.bytes = std::min({from.size(), room_at_peer(), limit});
  if (result.bytes > 0) peer_->arrive(from.split(result.bytes));
  if (from.empty()) return result;
  out_.wanted = true;
  result.status = IoStatus::kWouldBlock;
  if (result.bytes == limit) notifier_.wake();
  return result;
}

// Copied, as a socket would: the two ends must not share slabs.
void MemoryStream::arrive(Buffer bytes) {
  bytes.for_each([this](std::string_view run) { in_.bytes.append(run); });
  tell();
}

void MemoryStream::shutdown_write() {
  if (out_.shut) return;
  out_.shut = true;
  if (peer_ != nullptr) peer_->arrive_end(false);
}

void MemoryStream::arrive_end(bool reset) {
  const IoStatus before = peer_status();
  in_.reset = in_.reset || reset;
  in_.ended = true;
  if (peer_status() != before && user_ != nullptr && user_->follows_peer()) in_.end_untold = true;
  tell();
}

void MemoryStream::set_room(std::size_t bytes) {
  room_ = bytes;
  if (peer_ != nullptr) peer_->notifier_.wake();
}

void MemoryStream::tell() {
  in_.news = true;
  notifier_.wake();
}

// One call a time, for the user may drop the stream in it; the others come from the waker.
void MemoryStream::call_user() {
  if (user_ == nullptr) return;
  const bool writable = out_.wanted && (peer_ == nullptr || in_.reset || room_at_peer() > 0);
  if (in_.wanted && in_.news) {
    in_.wanted = false;
    if (writable || in_.end_untold) notifier_.wake();
    user_->on_readable();
  } else if (writable) {
    out_.wanted = false;
    if (in_.end_untold) notifier_.wake();
    user_->on_writable();
  } else if (std::exchange(in_.end_untold, false)) {
    user_->on_peer_ended();
  }
}

}  // namespace gatehouse::testing_support
