#include "config/policy/request_forms.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <vector>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::size_t kLongestHost = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kEscapeLength = 3;

// What stands for itself in a segment of a path.
bool is_plain(char c) {
  return text::is_letter_or_digit(c) || std::string_view("-._~!$&'()*+,=:@[]").contains(c);
}
std::string spelled(char c) {
  return is_plain(c) ? std::string(1, c) : std::format("%{:02X}", static_cast<unsigned char>(c));
}
bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7F';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '\x7F';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return text::is_letter_or_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestHost) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

Result<std::string> canonical_segment(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const char c = segment[i];
    if (c == ';') break;
    if (c != '%') {
      if (!is_visible_ascii(c)) return failure("it has a byte that must be written as %XX");
      if (c == '\\') return failure("requests with a backslash are refused, so it cannot match");
      if (c == '?' || c == '#') return failure("routes match paths only; a query or fragment is no part of one");
      out += spelled(c);
      continue;
    }
    const int byte = text::escaped_byte(segment.substr(i));
    if (byte < 0) return failure("it has a \"%\" without two hexadecimal digits");
    const char decoded = static_cast<char>(byte);
    if (decoded == '/' || decoded == '\\') {
      return failure("an encoded slash or backslash counts as a slash, so it cannot match");
    }
    if (decoded == ';') return failure("an encoded semicolon may begin parameters, so it cannot match");
    if (is_control(decoded)) return failure("requests with an encoded NUL or control are refused, so it cannot match");
    out += spelled(decoded);
    i += kEscapeLength - 1;
  }
  return out;
}

Result<std::string> canonical_path(std::string_view path) {
  std::vector<std::string> segments;
  std::size_t at = 0;
  while (at != std::string_view::npos) {
    const std::size_t next = path.find('/', at + 1);
    auto segment = canonical_segment(path.substr(at + 1, next == std::string_view::npos ? next : next - at - 1));
    if (!segment) return segment;
    at = next;
    if (segment->empty() || *segment == ".") continue;
    if (*segment != "..") {
      segments.push_back(*std::move(segment));
    } else if (segments.empty()) {
      return failure("it leads above the root");
    } else {
      segments.pop_back();
    }
  }
  std::string out;
  for (const std::string& segment : segments) out += "/" + segment;
  return out.empty() ? "/" : out;
}

}  // namespace gatehouse
