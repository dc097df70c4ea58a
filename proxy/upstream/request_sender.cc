#include "proxy/upstream/request_sender.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "proxy/http/h1/h1_writer.h"
#include "proxy/upstream/endpoint_stream.h"

namespace gatehouse {

namespace {

constexpr int kMaxParts = 48;  // runs of each of the three buffers in one system call

// Fills `parts` with the first `count` bytes of `from`; returns how many entries that took.
std::size_t gather(const Buffer& from, std::size_t count, std::span<iovec> parts) {
  const auto runs = static_cast<std::size_t>(from.iovecs(parts.data(), static_cast<int>(parts.size())));
  std::size_t used = 0;
  for (; used < runs && count > 0; ++used) {
    parts[used].iov_len = std::min(parts[used].iov_len, count);
    count -= parts[used].iov_len;
  }
  return used;
}

std::size_t size_of(std::span<const iovec> parts) {
  std::size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  return size;
}

}  // namespace

bool RequestSender::begin(const RequestHead& head, const RequestOverlay& overlay, BodyPipe& body, Waker& waker) {
  stop();
  if (!h1_writer::write_request_head(before_, head, overlay)) {
    before_.clear();
    return false;
  }
  head_left_ = before_.size();
  complete_ = head.body.is_empty();
  state_ = State::kNeedsBody;
  if (complete_) return true;
  body_ = &body.reader();
  body_->set_waker(&waker);
  framing_ = head.body.kind == BodyLength::Kind::kUnknown ? Framing::kChunked : Framing::kLength;
  body_left_ = head.body.bytes;
  return true;
}

void RequestSender::open_tunnel(BodyPipe& body, Waker& waker) {
  body_ = &body.reader();
  body_->set_waker(&waker);
  framing_ = Framing::kTunnel;
  complete_ = false;
  if (state_ == State::kDone) state_ = State::kNeedsBody;
}

RequestSender::State RequestSender::send(EndpointStream& stream) {
  while (state_ != State::kBroken && state_ != State::kDone) {
    if (const State composed = compose(); nothing_composed() || composed == State::kBodyFailed) {
      state_ = composed;
      if (state_ == State::kDone && framing_ == Framing::kTunnel) stream.shutdown_write();
      return state_;
    }
    std::array<iovec, 3UL * kMaxParts> parts;
    const std::span<iovec> all(parts);
    std::size_t count = gather(before_, before_.size(), all.first(kMaxParts));
    const bool all_before = size_of(all.first(count)) == before_.size();
    if (all_before && offered_ > 0) count += gather(body_->peek(), offered_, all.subspan(count, kMaxParts));
    if (size_of(all.first(count)) == before_.size() + offered_) {
      count += gather(after_, after_.size(), all.subspan(count, kMaxParts));
    }
    const IoResult result = stream.write(all.first(count));
    drop(result.bytes);
    if (result.status == IoStatus::kBroken) {
      state_ = State::kBroken;
    } else if (result.status == IoStatus::kWouldBlock) {
      state_ = State::kBlocked;
      return state_;
    }
  }
  return state_;
}

void RequestSender::stop() {
  if (body_ != nullptr) body_->set_waker(nullptr);
  *this = RequestSender();
}

void RequestSender::abandon_body() {
  if (body_ == nullptr) return;
  BodyReader& body = *body_;
  const bool done = state_ == State::kDone;
  const std::uint64_t taken = taken_;
  stop();
  taken_ = taken;
  if (!done) state_ = State::kBroken;
  body.abandon();
}

// What is to be sent next, if anything of it is not composed yet; says what is missing where nothing can be.
RequestSender::State RequestSender::compose() {
  if (complete_) return State::kDone;
  if (body_->failed()) return State::kBodyFailed;
  if (held_) return State::kHeld;
  if (offered_ > 0 || !after_.empty()) return State::kNeedsBody;
  switch (framing_) {
    case Framing::kLength:
      return compose_rest();
    case Framing::kChunked:
      return compose_chunk();
    case Framing::kTunnel:
      offered_ = body_->available();
      complete_ = body_->finished();
      return complete_ && offered_ == 0 ? State::kDone : State::kNeedsBody;
  }
  return State::kBodyFailed;
}

RequestSender::State RequestSender::compose_chunk() {
  offered_ = body_->available();
  if (offered_ > 0) {
    std::array<char, 20> line;
    char* end = std::to_chars(line.data(), line.data() + line.size() - 2, offered_, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    before_.append({line.data(), static_cast<std::size_t>(end - line.data())});
    after_.append("\r\n");
  }
  if (body_->finished()) {
    h1_writer::write_last_chunk(after_, body_->trailers());
    complete_ = true;
  }
  return State::kNeedsBody;
}

RequestSender::State RequestSender::compose_rest() {
  if (body_->available() > body_left_ || (body_->finished() && body_->available() < body_left_)) {
    return State::kBodyFailed;
  }
  offered_ = body_->available();
  body_left_ -= offered_;
  complete_ = body_left_ == 0;
  return State::kNeedsBody;
}

void RequestSender::drop(std::size_t count) {
  taken_ += count;
  head_left_ -= std::min(head_left_, count);
  const std::size_t from_before = std::min(count, before_.size());
  before_.consume(from_before);
  count -= from_before;
  const std::size_t from_body = std::min(count, offered_);
  if (from_body > 0) body_->consume(from_body);
  offered_ -= from_body;
  after_.consume(count - from_body);
}

}  // namespace gatehouse
