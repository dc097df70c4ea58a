#include "proxy/files/file_path.h"

#include <algorithm>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kPath = "{path}";
constexpr std::string_view kWellKnown = ".well-known";
constexpr std::size_t kEscape = 3;

std::string_view without_slashes(std::string_view name) {
  while (name.starts_with('/')) name.remove_prefix(1);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name;
}

bool is_shown(std::string_view segment, bool first) {
  if (segment.empty()) return false;
  return segment.front() != '.' || (first && segment == kWellKnown);
}

}  // namespace

std::optional<std::string> decoded_once(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    int byte = static_cast<unsigned char>(path.front());
    const bool escape = byte == '%';
    if (escape) byte = text::escaped_byte(path);
    if (byte <= 0) return std::nullopt;
    out += static_cast<char>(byte);
    path.remove_prefix(escape ? kEscape : 1);
  }
  return out;
}

std::optional<std::string> site_path(std::string_view resolved) {
  if (!resolved.starts_with('/')) return std::nullopt;
  std::string_view rest = resolved.substr(1);
  std::string out;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::optional<std::string> segment = decoded_once(rest.substr(0, slash));
    if (!segment || !is_shown(*segment, first) || segment->contains('/')) return std::nullopt;
    out += *segment;
    if (slash < rest.size()) out += '/';
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return out;
}

Attempt::Attempt(std::string_view pattern) : folder_(pattern.ends_with('/')) {
  const std::size_t at = pattern.find(kPath);
  has_path_ = at != std::string_view::npos;
  before_ = pattern.substr(0, std::min(at, pattern.size()));
  if (has_path_) after_ = pattern.substr(at + kPath.size());
  if (folder_ && after_ == "/") after_.clear();
  if (before_ == "/") before_.clear();
}

std::string Attempt::name_for(std::string_view site_path) const {
  if (!has_path_) return std::string(without_slashes(before_));
  // ".html" would be a hidden file.
  if (site_path.empty() && before_.empty()) return {};
  const bool no_file = !folder_ && after_.empty() && site_path.ends_with('/');
  const std::string all = before_ + std::string(without_slashes(site_path)) + after_;
  std::string name(without_slashes(all));
  if (no_file) name += '/';
  return name;
}

std::string with_slash(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  std::string out(target.substr(0, query));
  out += '/';
  // "//name/" would be another site (RFC 3986 section 4.2).
  if (out.starts_with("//")) out.insert(0, "/.");
  return out.append(target.substr(query));
}

}  // namespace gatehouse
