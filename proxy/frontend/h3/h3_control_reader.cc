#include "proxy/frontend/h3/h3_control_reader.h"

#include <algorithm>
#include <vector>

#include <nghttp3/nghttp3.h>

namespace gatehouse {

namespace {

H3Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Settings of HTTP/2 that HTTP/3 does not have (RFC 9114 section 7.2.4.1).
bool is_of_h2(std::uint64_t setting) {
  constexpr std::uint64_t kFirst = 0x02;  // SETTINGS_ENABLE_PUSH
  constexpr std::uint64_t kLast = 0x05;   // SETTINGS_MAX_FRAME_SIZE
  return setting >= kFirst && setting <= kLast;
}

// Of these only 0 and 1 are values (RFC 9297 section 2.1.1; RFC 9220 section 3).
bool is_flag(std::uint64_t setting) {
  constexpr std::uint64_t kConnectProtocol = 0x08;
  constexpr std::uint64_t kDatagram = 0x33;
  return setting == kConnectProtocol || setting == kDatagram;
}

}  // namespace

H3ControlReader::Event H3ControlReader::next(H3Bytes& bytes) {
  for (;;) {
    std::optional<Event> event;
    if (state_ == State::kHeader) {
      if (!header_.read(bytes)) return {.what = What::kNothing};
      event = begin_frame();
    } else {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      if (state_ == State::kPayload) payload_.append(text_of(bytes.first(size)));
      bytes = bytes.subspan(size);
      left_ -= size;
      if (left_ > 0) return {.what = What::kNothing};
      event = end_frame();
    }
    if (event) return *event;
  }
}

std::optional<H3ControlReader::Event> H3ControlReader::begin_frame() {
  const std::uint64_t type = header_.type();
  left_ = header_.length();
  payload_.clear();
  if (!has_settings_ && type != h3_frame::kSettings) return broken(NGHTTP3_H3_MISSING_SETTINGS);
  state_ = State::kPayload;
  switch (type) {
    case h3_frame::kSettings:
      if (has_settings_) return broken(NGHTTP3_H3_FRAME_UNEXPECTED);
      has_settings_ = true;
      if (left_ > kMostOfPayload) return broken(NGHTTP3_H3_EXCESSIVE_LOAD);
      break;
    case h3_frame::kCancelPush:
    case h3_frame::kGoaway:
    case h3_frame::kMaxPushId:
      if (left_ == 0 || left_ > sizeof(std::uint64_t)) return broken(NGHTTP3_H3_FRAME_ERROR);
      break;
    case h3_frame::kPriorityUpdate:
      if (left_ == 0) return broken(NGHTTP3_H3_FRAME_ERROR);
      if (left_ > kMostOfPayload) state_ = State::kSkipped;
      break;
    case h3_frame::kPriorityUpdateOfPush:
      return broken(NGHTTP3_H3_ID_ERROR);
    case h3_frame::kData:
    case h3_frame::kHeaders:
    case h3_frame::kPushPromise:
      return broken(NGHTTP3_H3_FRAME_UNEXPECTED);
    default:
      if (h3_frame::is_of_h2(type)) return broken(NGHTTP3_H3_FRAME_UNEXPECTED);
      state_ = State::kSkipped;
      return Event{.what = What::kUnknown};
  }
  return std::nullopt;
}

std::optional<H3ControlReader::Event> H3ControlReader::end_frame() {
  const State ended = state_;
  state_ = State::kHeader;
  if (ended == State::kSkipped) {
    // Too long to be a priority, but as much work as one.
    if (header_.type() == h3_frame::kPriorityUpdate) return Event{.what = What::kUnknown};
    return std::nullopt;
  }
  switch (header_.type()) {
    case h3_frame::kSettings:
      return take_settings();
    case h3_frame::kPriorityUpdate:
      return take_priority();
    default:
      return take_id();
  }
}

H3ControlReader::Event H3ControlReader::take_settings() const {
  std::vector<std::uint64_t> seen;
  H3Bytes rest = bytes_of(payload_);
  while (!rest.empty()) {
    H3Integer setting;
    H3Integer value;
    if (!setting.read(rest) || !value.read(rest)) return broken(NGHTTP3_H3_FRAME_ERROR);
    if (is_of_h2(setting.value()) || (is_flag(setting.value()) && value.value() > 1)) {
      return broken(NGHTTP3_H3_SETTINGS_ERROR);
    }
    seen.push_back(setting.value());
  }
  std::ranges::sort(seen);
  if (std::ranges::adjacent_find(seen) != seen.end()) return broken(NGHTTP3_H3_SETTINGS_ERROR);
  return {.what = What::kSettings, .payload = payload_};
}

H3ControlReader::Event H3ControlReader::take_id() {
  H3Integer id;
  H3Bytes rest = bytes_of(payload_);
  if (!id.read(rest) || !rest.empty()) return broken(NGHTTP3_H3_FRAME_ERROR);
  switch (header_.type()) {
    case h3_frame::kMaxPushId:
      if (ids_.max_push && id.value() < *ids_.max_push) return broken(NGHTTP3_H3_ID_ERROR);
      ids_.max_push = id.value();
      return {.what = What::kControl};
    case h3_frame::kGoaway:
      if (ids_.goaway && id.value() > *ids_.goaway) return broken(NGHTTP3_H3_ID_ERROR);
      ids_.goaway = id.value();
      return {.what = What::kControl};
    default:
      return broken(NGHTTP3_H3_ID_ERROR);  // CANCEL_PUSH
  }
}

H3ControlReader::Event H3ControlReader::take_priority() const {
  H3Integer element;
  H3Bytes rest = bytes_of(payload_);
  if (!element.read(rest)) return broken(NGHTTP3_H3_FRAME_ERROR);
  return {
      .what = What::kPriorityUpdate, .payload = text_of(rest), .stream = static_cast<std::int64_t>(element.value())};
}

}  // namespace gatehouse
