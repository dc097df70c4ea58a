#include "proxy/http/h1/h1_status_line.h"

#include <algorithm>

#include "common/text.h"
#include "proxy/http/char_classes.h"
#include "proxy/http/h1/h1_scan.h"
#include "proxy/http/message.h"

namespace gatehouse {

namespace {

constexpr std::size_t kLongestReason = 256;
constexpr std::uint8_t kDigits = 3;

}  // namespace

void H1StatusLine::begin() {
  part_ = Part::kVersion;
  digits_ = 0;
  size_ = 0;
  status_ = 0;
  reason_.clear();
  version_.begin();
}

H1Outcome H1StatusLine::read(const char*& at, const char* end) {
  if (part_ != Part::kLf) {
    const char* const begin = at;
    const H1Outcome outcome = read_text(at, h1_scan::at_most(max_bytes_ - size_, at, end));
    if (outcome == H1Outcome::kMalformed || outcome == H1Outcome::kUnknownVersion) return outcome;
    size_ += static_cast<std::size_t>(at - begin);
    if (outcome == H1Outcome::kMore && at != end) return *at == '\n' ? H1Outcome::kMalformed : H1Outcome::kTooLarge;
  }
  if (at == end) return H1Outcome::kMore;
  if (*at != '\n') return H1Outcome::kMalformed;
  ++at;
  end_reason();
  return H1Outcome::kComplete;
}

H1Outcome H1StatusLine::read_text(const char*& at, const char* end) {
  if (part_ == Part::kVersion) {
    if (const H1Outcome outcome = version_.read(at, end); outcome != H1Outcome::kComplete) return outcome;
    part_ = Part::kSpace;
  }
  for (; part_ < Part::kReason; ++at) {
    if (at == end) return H1Outcome::kMore;
    if (!take(*at)) return H1Outcome::kMalformed;
  }
  if (part_ == Part::kLf) return H1Outcome::kComplete;
  const char* const stop = std::find_if(at, end, [](char c) { return c == '\r' || c == '\n'; });
  reason_.append(at, stop);
  at = stop;
  if (at == end) return H1Outcome::kMore;
  if (*at != '\r') return H1Outcome::kMalformed;
  ++at;
  part_ = Part::kLf;
  return H1Outcome::kComplete;
}

// Behind the version and before the reason.
bool H1StatusLine::take(char c) {
  switch (part_) {
    case Part::kSpace:
      part_ = Part::kStatus;
      return c == ' ';
    case Part::kStatus:
      status_ = status_ * 10 + (c - '0');
      if (++digits_ == kDigits) part_ = Part::kBehindStatus;
      return text::is_digit(c);
    default:
      part_ = c == ' ' ? Part::kReason : Part::kLf;
      return c == ' ' || c == '\r';
  }
}

// Nearly always the registered phrase, which the writer knows.
void H1StatusLine::end_reason() {
  const bool known = reason_ == reason_phrase(static_cast<std::uint16_t>(status_));
  if (known || reason_.size() > kLongestReason || char_classes::has_control(reason_)) reason_.clear();
}

}  // namespace gatehouse
