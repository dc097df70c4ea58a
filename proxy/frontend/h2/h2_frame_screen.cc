#include "proxy/frontend/h2/h2_frame_screen.h"

#include <algorithm>
#include <utility>

#include <nghttp2/nghttp2.h>

namespace gatehouse {

namespace {

constexpr std::size_t kType = 3;
constexpr std::size_t kFlags = 4;
constexpr std::size_t kStream = 5;
constexpr std::size_t kPriority = 5;  // the length of its payload

bool opened_by_client(std::int32_t stream) {
  return stream % 2 == 1;
}

}  // namespace

H2FrameScreen::Look H2FrameScreen::pass(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (skip_ > 0) {
      const std::size_t count = std::min(skip_, bytes.size() - at);
      skip_ -= count;
      at += count;
      continue;
    }
    const std::size_t count = std::min(static_cast<std::size_t>(need_ - have_), bytes.size() - at);
    std::copy_n(bytes.data() + at, count, reinterpret_cast<char*>(head_.data()) + have_);
    have_ = static_cast<std::uint8_t>(have_ + count);
    at += count;
    if (have_ < need_) break;
    if (need_ == kHead && head_[kType] == NGHTTP2_PRIORITY && length() == kPriority) {
      need_ = kHead + kDependency;
      continue;
    }
    Look look = judge();
    skip_ = length() - (need_ - kHead);
    have_ = 0;
    need_ = kHead;
    if (look.finding == Finding::kNone) continue;
    look.size = at;
    return look;
  }
  return {.size = at};
}

H2FrameScreen::Look H2FrameScreen::judge() {
  const std::uint8_t type = head_[kType];
  if (type == NGHTTP2_PRIORITY) return judge_priority();
  const bool content = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS;
  const std::int32_t stream = number(kStream);
  // Of the rest nghttp2 knows what is wrong.
  if ((!content && type != NGHTTP2_RST_STREAM) || !opened_by_client(stream)) return {};
  Look look;
  if (stream <= last_) {
    if (content) look = judge_content();
  } else if (type == NGHTTP2_HEADERS) {
    open(stream);
  } else {
    return {};  // idle: nghttp2 knows that as well
  }
  if (!remembers(stream)) return look;
  if (type == NGHTTP2_RST_STREAM) {
    fate(stream) = Fate::kCancelled;
  } else if ((head_[kFlags] & NGHTTP2_FLAG_END_STREAM) != 0) {
    fate(stream) = Fate::kEnded;
  }
  return look;
}

H2FrameScreen::Look H2FrameScreen::judge_content() const {
  Look look{.stream = number(kStream)};
  if (!remembers(look.stream)) {
    look.finding = Finding::kPerhapsStray;
    return look;
  }
  switch (fate(look.stream)) {
    case Fate::kOpen:
      break;
    case Fate::kClosedByUs:
      look.finding = Finding::kStray;
      break;
    case Fate::kCancelled:
      look.finding = Finding::kStreamError;
      look.code = NGHTTP2_STREAM_CLOSED;
      break;
    case Fate::kEnded:
      look.finding = Finding::kConnectionError;
      look.code = NGHTTP2_STREAM_CLOSED;
      break;
    case Fate::kNever:
      look.finding = Finding::kConnectionError;
      look.code = NGHTTP2_PROTOCOL_ERROR;
      break;
  }
  return look;
}

// Nobody goes by what PRIORITY says, but it has to make sense (RFC 9113 section 6.3, RFC 7540 section 5.3.1). RST_STREAM
// may not be sent for a stream that is idle.
H2FrameScreen::Look H2FrameScreen::judge_priority() const {
  Look look{.stream = number(kStream), .code = NGHTTP2_PROTOCOL_ERROR};
  if (look.stream == 0) {
    look.finding = Finding::kConnectionError;
  } else if (length() == kPriority && number(kHead) == look.stream) {
    look.finding = look.stream > last_ ? Finding::kConnectionError : Finding::kStreamError;
  }
  return look;
}

void H2FrameScreen::open(std::int32_t stream) {
  constexpr auto kSpan = static_cast<std::int32_t>(2 * kRemembered);
  const std::int32_t first = last_ > stream - kSpan ? last_ + 2 : stream - kSpan + 2;
  for (std::int32_t skipped = first; skipped < stream; skipped += 2) {
    if (skipped > 0) fate(skipped) = Fate::kNever;
  }
  fate(stream) = Fate::kOpen;
  last_ = stream;
}

bool H2FrameScreen::closed(std::int32_t stream) {
  if (stream > last_ || !remembers(stream) || fate(stream) != Fate::kOpen) return false;
  fate(stream) = Fate::kClosedByUs;
  return true;
}

bool H2FrameScreen::remembers(std::int32_t stream) const {
  return last_ - stream < static_cast<std::int32_t>(2 * kRemembered);
}

std::uint32_t H2FrameScreen::length() const {
  return static_cast<std::uint32_t>(head_[0] << 16 | head_[1] << 8 | head_[2]);
}

std::int32_t H2FrameScreen::number(std::size_t at) const {
  const std::uint32_t value = static_cast<std::uint32_t>(head_[at]) << 24 |
                              static_cast<std::uint32_t>(head_[at + 1]) << 16 |
                              static_cast<std::uint32_t>(head_[at + 2]) << 8 | head_[at + 3];
  return static_cast<std::int32_t>(value & 0x7fffffffU);
}

}  // namespace gatehouse
