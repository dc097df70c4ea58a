#include "proxy/apps/line_cutter.h"

#include <algorithm>

#include "common/text.h"

namespace gatehouse {

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
    const std::size_t length = control ? 0 : text::utf8_length(line);
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
