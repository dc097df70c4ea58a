#include "proxy/apps/line_cutter.h"

#include <algorithm>

namespace gatehouse {

namespace {

// The length of the well-formed sequence that `text` begins with (Unicode, table 3-7), or 0.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (at(i) < 0x80 || at(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

void LineCutter::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t end = std::min(newline, bytes.size());
    const std::size_t taken = std::min(end, kLongest - rest_.size());
    if (taken == end && newline != std::string_view::npos) {
      rest_.append(bytes.substr(0, end));
      if (rest_.ends_with('\r')) rest_.pop_back();
      bytes.remove_prefix(end + 1);
      line_(rest_);
      rest_.clear();
      continue;
    }
    rest_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (rest_.size() == kLongest) flush();
  }
}

void LineCutter::flush() {
  if (rest_.empty()) return;
  line_(rest_);
  rest_.clear();
}

std::string printable(std::string_view line) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(line.size());
  while (!line.empty()) {
    const auto byte = static_cast<unsigned char>(line.front());
    const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7F;
    const std::size_t length = control ? 0 : sequence_length(line);
    if (length == 0) {
      out += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
      line.remove_prefix(1);
    } else {
      out += line.substr(0, length);
      line.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace gatehouse
