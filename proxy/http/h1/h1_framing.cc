#include "proxy/http/h1/h1_framing.h"

#include <limits>
#include <string_view>

#include "common/text.h"
#include "proxy/http/h1/h1_scan.h"

namespace gatehouse {

namespace {

constexpr std::string_view kChunked = "chunked";
constexpr std::uint8_t kOther = 255;

}  // namespace

bool H1Framing::begin_field(FieldName name) {
  return name == FieldName::kContentLength ? !has_coding_ : !has_length_;
}

bool H1Framing::begin_value(FieldName name) {
  if (name == FieldName::kContentLength) return !has_length_;
  const bool again = chunked_ && of_ == Of::kRequest;
  chunked_ = false;
  matched_ = 0;
  return !again;
}

const char* H1Framing::read_value(FieldName name, const char* at, const char* end) {
  return name == FieldName::kContentLength ? read_length(at, end) : read_codings(at, end);
}

// Digits and then spaces; the number has 64 bits.
const char* H1Framing::read_length(const char* at, const char* end) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (; at != end; ++at) {
    if (*at == ' ') {
      length_ended_ = true;
      continue;
    }
    if (length_ended_ || !text::is_digit(*at)) break;
    const auto digit = static_cast<std::uint64_t>(*at - '0');
    if (length_ > kMost / 10 || length_ * 10 > kMost - digit) break;
    length_ = length_ * 10 + digit;
  }
  return at;
}

// Nothing may stand behind chunked in a request.
const char* H1Framing::read_codings(const char* at, const char* end) {
  const char* const stop = h1_scan::past_value(at, end);
  for (; at != stop; ++at) {
    if (*at != ',') {
      match_chunked(*at);
      continue;
    }
    if (matched_ == kChunked.size() && of_ == Of::kRequest) break;
    matched_ = 0;
  }
  return at;
}

void H1Framing::match_chunked(char c) {
  if (matched_ == kOther || (matched_ == 0 && text::is_blank(c))) return;
  if (matched_ == kChunked.size()) {
    if (c != ' ') matched_ = kOther;
    return;
  }
  const char lower = static_cast<char>(c | 0x20);  // of a letter, and of nothing else a letter
  matched_ = lower == kChunked[matched_] ? static_cast<std::uint8_t>(matched_ + 1) : kOther;
}

bool H1Framing::end_field(FieldName name, bool empty) {
  if (name == FieldName::kContentLength) {
    has_length_ = true;
    return !empty;
  }
  if (empty) return true;
  has_coding_ = true;
  chunked_ = matched_ == kChunked.size();
  return true;
}

}  // namespace gatehouse
