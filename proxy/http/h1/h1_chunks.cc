#include "proxy/http/h1/h1_chunks.h"

#include <algorithm>

#include "common/text.h"
#include "proxy/http/char_classes.h"

namespace gatehouse {

namespace {

constexpr std::uint16_t kLongestLine = 256;
constexpr std::uint8_t kMostDigits = 16;
constexpr std::uint64_t kLargestBeforeDigit = (std::uint64_t{1} << 59) - 1;  // so that no size reaches 2^63
constexpr std::uint64_t kFreeOverhead = 8 * 1024;
constexpr std::uint64_t kOverheadPerByte = 16;

bool is_quotable(char c) {
  return c == '\t' || (c >= 0x20 && c < 0x7f);
}

}  // namespace

H1Chunks::Step H1Chunks::decode(std::string_view input) {
  std::size_t consumed = 0;
  while (consumed < input.size()) {
    if (at_ == At::kData) {
      const std::string_view rest = input.substr(consumed);
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      left_ -= count;
      payload_ += count;
      if (left_ == 0) at_ = At::kDataCr;
      return {.outcome = Outcome::kData, .consumed = consumed + count, .data = rest.substr(0, count)};
    }
    const bool ends_size_line = at_ == At::kSizeLf;
    if (!take(input[consumed++])) return {.outcome = Outcome::kBad, .consumed = consumed};
    if (ends_size_line && left_ == 0) return {.outcome = Outcome::kLastChunk, .consumed = consumed};
  }
  return {.consumed = consumed};
}

bool H1Chunks::take(char c) {
  ++overhead_;
  switch (at_) {
    case At::kSizeLf:
      return c == '\n' && end_size_line();
    case At::kDataCr:
      at_ = At::kDataLf;
      return c == '\r';
    case At::kDataLf:
      at_ = At::kSize;
      digits_ = 0;
      line_size_ = 0;
      return c == '\n';
    case At::kSize:
      return fits_line(c) && take_size(c);
    case At::kBlanks:
      return fits_line(c) && (text::is_blank(c) || end_extension_part(c));
    default:
      return fits_line(c) && take_extension(c);
  }
}

bool H1Chunks::fits_line(char c) {
  return c == '\r' || ++line_size_ <= kLongestLine;
}

bool H1Chunks::take_size(char c) {
  if (const int value = text::hex_value(c); value >= 0) {
    if (digits_ == kMostDigits || left_ > kLargestBeforeDigit) return false;
    ++digits_;
    left_ = left_ << 4 | static_cast<std::uint64_t>(value);
    return true;
  }
  if (digits_ == 0) return false;
  if (!lenient_ || !text::is_blank(c)) return end_extension_part(c);
  skipped_blanks_ = true;
  at_ = At::kBlanks;
  return true;
}

bool H1Chunks::take_extension(char c) {
  switch (at_) {
    case At::kExtensionName:
      if (char_classes::in(char_classes::kToken, c)) {
        part_empty_ = false;
        return true;
      }
      if (part_empty_) return false;
      if (c == '=') {
        at_ = At::kExtensionValue;
        return true;
      }
      return end_extension_part(c);
    case At::kExtensionValue:
      at_ = c == '"' ? At::kQuoted : At::kExtensionToken;
      return c == '"' || char_classes::in(char_classes::kToken, c);
    case At::kExtensionToken:
      return char_classes::in(char_classes::kToken, c) || end_extension_part(c);
    case At::kQuoted:
      if (c == '"') at_ = At::kAfterQuoted;
      if (c == '\\') at_ = At::kQuotedPair;
      return is_quotable(c);
    case At::kQuotedPair:
      at_ = At::kQuoted;
      return is_quotable(c);
    default:  // kAfterQuoted
      return end_extension_part(c);
  }
}

// What may follow a size, a name or a value: the next extension, or the end of the line.
bool H1Chunks::end_extension_part(char c) {
  if (c == ';') {
    at_ = At::kExtensionName;
    part_empty_ = true;
    return true;
  }
  at_ = At::kSizeLf;
  return c == '\r';
}

bool H1Chunks::end_size_line() {
  at_ = At::kData;
  return overhead_ <= kFreeOverhead || overhead_ / kOverheadPerByte <= payload_;
}

}  // namespace gatehouse
