#include "proxy/frontend/h3/h3_request_reader.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gatehouse {

void H3RequestReader::give(H3Bytes bytes, bool fin) {
  assert(bytes_.empty());
  bytes_ = bytes;
  fin_ = fin_ || fin;
}

H3RequestReader::Event H3RequestReader::next() {
  for (;;) {
    std::optional<Event> event;
    switch (state_) {
      case State::kHeader:
        event = begin_frame();
        break;
      case State::kData:
        if (bytes_.empty()) return end();
        return {.what = What::kData, .data = take_payload()};
      case State::kSection:
        event = read_section();
        break;
      case State::kSkipped:
        if (bytes_.empty()) return end();
        skip(take_payload().size());
        break;
      case State::kAbandoned:
        skip(bytes_.size());
        bytes_ = {};
        return {.what = What::kNothing};
    }
    if (event) return *event;
  }
}

std::optional<H3RequestReader::Event> H3RequestReader::begin_frame() {
  if (bytes_.empty()) return end();
  const std::size_t before = bytes_.size();
  const bool complete = header_.read(bytes_);
  skip(before - bytes_.size());
  if (!complete) return end();
  left_ = header_.length();
  switch (header_.type()) {
    case h3_frame::kData:
      if (message_ != Message::kHead) return broken(NGHTTP3_H3_FRAME_UNEXPECTED);
      if (left_ == 0) return Event{.what = What::kEmptyFrame};
      state_ = State::kData;
      return std::nullopt;
    case h3_frame::kHeaders:
      if (message_ == Message::kTrailers) return broken(NGHTTP3_H3_FRAME_UNEXPECTED);
      state_ = State::kSection;
      return std::nullopt;
    default:
      if (h3_frame::is_of_h2(header_.type()) || h3_frame::is_of_control_stream(header_.type())) {
        return broken(NGHTTP3_H3_FRAME_UNEXPECTED);
      }
      if (left_ > 0) state_ = State::kSkipped;
      return Event{.what = What::kUnknown};
  }
}

std::optional<H3RequestReader::Event> H3RequestReader::read_section() {
  if (section_.blocked) return hold();
  if (bytes_.empty() && left_ > 0) return end();
  const std::size_t given = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes_.size()));
  H3Bytes part = bytes_.first(given);
  const bool last = given == left_;
  const auto step = decoder_.next(section_, {.stream = stream_, .bytes = part, .last = last});
  if (!step) return broken(step.error());
  const std::size_t taken = given - part.size();
  bytes_ = bytes_.subspan(taken);
  left_ -= taken;
  skip(taken);
  switch (*step) {
    case H3FieldDecoder::Step::kField:
      return Event{.what = What::kField};
    case H3FieldDecoder::Step::kBlocked:
      return hold();
    case H3FieldDecoder::Step::kEnd:
      return end_section();
    case H3FieldDecoder::Step::kNeedsMore:
      break;
  }
  return std::nullopt;
}

std::optional<H3RequestReader::Event> H3RequestReader::end_section() {
  state_ = State::kHeader;
  message_ = message_ == Message::kNothing ? Message::kHead : Message::kTrailers;
  return Event{.what = What::kSectionEnd};
}

// Everything has been read: the stream goes on, or has ended here, which may be in the middle of a frame (RFC 9114
// section 7.1).
H3RequestReader::Event H3RequestReader::end() {
  if (!fin_) return {.what = What::kNothing};
  if (state_ != State::kHeader || header_.begun()) return broken(NGHTTP3_H3_FRAME_ERROR);
  const bool whole = message_ != Message::kNothing;
  state_ = State::kAbandoned;
  return {.what = whole ? What::kEnd : What::kIncomplete};
}

H3RequestReader::Event H3RequestReader::hold() {
  held_.append(text_of(bytes_));
  bytes_ = {};
  return {.what = What::kNothing};
}

H3Bytes H3RequestReader::take_payload() {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes_.size()));
  const H3Bytes payload = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  left_ -= size;
  if (left_ == 0) state_ = State::kHeader;
  return payload;
}

void H3RequestReader::skip(std::size_t count) {
  credit_ += count;
}

std::size_t H3RequestReader::take_credit() {
  return std::exchange(credit_, 0);
}

std::optional<H3RequestReader::Held> H3RequestReader::take_ready() {
  if (!decoder_.ready(section_)) return std::nullopt;
  return Held{.bytes = std::move(held_), .fin = std::exchange(fin_, false)};
}

void H3RequestReader::abandon() {
  if (state_ == State::kAbandoned) return;
  state_ = State::kAbandoned;
  decoder_.abandon(section_, stream_);
  skip(held_.size());
  held_.clear();
}

}  // namespace gatehouse
