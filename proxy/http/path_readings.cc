#include "proxy/http/path_readings.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "common/text.h"
#include "proxy/http/target.h"

namespace gatehouse::target {

namespace {

constexpr std::size_t kMostReadings = 24;
// Of all readings together, where they are long.
constexpr std::size_t kMostBytes = 16384;
constexpr std::size_t kMostTimes = 4;

// One thing that a server may do to the bytes of a path.
struct Way {
  bool (*applies)(std::string_view path);
  std::expected<std::string, Fault> (*read)(std::string_view path);
};

std::expected<std::string, Fault> decoded(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = text::escaped_byte(path.substr(i));
    if (byte == 0) return std::unexpected(Fault::kUnsafeTarget);
    out += byte < 0 ? path[i] : static_cast<char>(byte);
    if (byte > 0) i += 2;
  }
  return out;
}

bool has_long_characters(std::string_view path) {
  return std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) >= 0xc0; });
}

std::expected<std::string, Fault> without_overlong_characters(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    const auto found = overlong(path);
    if (found && found->character == 0) return std::unexpected(Fault::kUnsafeTarget);
    out += found ? static_cast<char>(found->character) : path.front();
    path.remove_prefix(found ? found->size : 1);
  }
  return out;
}

std::expected<std::string, Fault> with_slashes_alone(std::string_view path) {
  std::string out(path);
  std::ranges::replace(out, '\\', '/');
  return out;
}

std::expected<std::string, Fault> without_parameters(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  bool in_parameters = false;
  for (const char c : path) {
    in_parameters = c != '/' && (in_parameters || c == ';');
    if (!in_parameters) out += c;
  }
  return out;
}

std::expected<std::string, Fault> with_merged_slashes(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out += c;
  }
  return out;
}

// RFC 3986 section 5.2.4: an empty segment is a segment.
std::expected<std::string, Fault> without_dot_segments(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    const bool last = end == path.size();
    begin = end + 1;
    if (segment == "..") {
      if (out.empty()) return std::unexpected(Fault::kUnsafeTarget);
      out.resize(out.rfind('/'));
    } else if (segment != ".") {
      out.append("/").append(segment);
    }
    if (last && (segment == "." || segment == "..")) out += '/';
  }
  return out;
}

constexpr std::array<Way, 6> kWays{{
    {.applies = [](std::string_view path) { return path.contains('%'); }, .read = decoded},
    {.applies = has_long_characters, .read = without_overlong_characters},
    {.applies = [](std::string_view path) { return path.contains('\\'); }, .read = with_slashes_alone},
    {.applies = [](std::string_view path) { return path.contains(';'); }, .read = without_parameters},
    {.applies = [](std::string_view path) { return path.contains("//"); }, .read = with_merged_slashes},
    {.applies = [](std::string_view path) { return path.contains("/."); }, .read = without_dot_segments},
}};

// As the segments of routes are written. Decoding what is a name and stays one makes no other reading; parameters
// never count.
std::string as_matched(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  bool in_parameters = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    const int escape = text::escaped_byte(path.substr(i));
    if (escape >= 0) i += 2;
    in_parameters = c != '/' && (in_parameters || c == ';');
    if (in_parameters) continue;
    if (c == '/') {
      out += c;
    } else {
      append_canonical(out, escape < 0 ? static_cast<unsigned char>(c) : static_cast<unsigned char>(escape));
    }
  }
  return out;
}

}  // namespace

// Each way is tried on all that the ways have led to so far, so that no order of them is left out.
std::expected<std::vector<std::string>, Fault> path_readings(std::string_view path) {
  std::vector<std::string> found{std::string(path)};
  std::size_t bytes_left = std::max(kMostBytes, kMostTimes * path.size());
  for (std::size_t at = 0; at < found.size(); ++at) {
    for (const Way& way : kWays) {
      if (!way.applies(found[at])) continue;
      std::expected<std::string, Fault> next = way.read(found[at]);
      if (!next) return std::unexpected(next.error());
      if (std::ranges::contains(found, *next)) continue;
      if (found.size() == kMostReadings || next->size() > bytes_left) return std::unexpected(Fault::kAmbiguousPath);
      bytes_left -= next->size();
      found.push_back(*std::move(next));
    }
  }
  for (std::string& reading : found) reading = as_matched(reading);
  return found;
}

}  // namespace gatehouse::target
