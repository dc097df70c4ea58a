#include "common/watch/path_patterns.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace gatehouse {

namespace {

constexpr std::array<std::string_view, 6> kEndings = {"~", ".log", ".pid", ".pyc", ".pyo", ".tmp"};
constexpr std::array<std::string_view, 3> kNames = {"4913", "__pycache__",
                                                    "node_modules"};  // vim tries folders with 4913

using Rest = std::span<const std::string>;

// What of a path is left, and whether a folder is at its end.
struct Path {
  Rest names;
  bool is_folder;

  Path below() const { return {.names = names.subspan(1), .is_folder = is_folder}; }
  bool matters() const { return std::ranges::all_of(names, PathPatterns::matters); }
};

// `wild`: a part before was a pattern.
bool leads_to(Rest parts, const Path& path, bool wild) {
  if (parts.empty()) return path.names.empty() || (!wild && path.matters());
  if (path.names.empty()) return path.is_folder;  // what is meant may be below it
  const std::string& part = parts.front();
  const std::string& name = path.names.front();
  if (part != PathPatterns::kAnyFolders) {
    return PathPatterns::matches(part, name) &&
           leads_to(parts.subspan(1), path.below(), wild || PathPatterns::is_wild(part));
  }
  if (parts.size() == 1) return path.matters();
  return leads_to(parts.subspan(1), path, true) || (PathPatterns::matters(name) && leads_to(parts, path.below(), true));
}

}  // namespace

PathPatterns::PathPatterns(const std::vector<std::string>& paths, std::vector<std::string> never)
    : never_(std::move(never)) {
  for (const std::string& path : paths) all_.push_back(parts_of(path));
}

PathPatterns::Parts PathPatterns::parts_of(std::string_view path) {
  Parts parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".") parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

bool PathPatterns::is_wild(std::string_view part) {
  return part.find_first_of("*?[") != std::string_view::npos;
}

bool PathPatterns::matches(const std::string& part, const std::string& name) {
  if (part == name) return true;
  if (!is_wild(part) || ::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) return false;
  return part.contains('.') || matters(name);
}

bool PathPatterns::matters(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.front() == '#' || name.contains(".log.")) return false;
  return !std::ranges::contains(kNames, name) &&
         std::ranges::none_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

bool PathPatterns::is_never(std::string_view path) const {
  return std::ranges::any_of(never_, [&](const std::string& one) {
    if (one.empty() || !path.starts_with(one)) return false;
    const std::string_view ending = path.substr(one.size());
    return ending.empty() || (ending.front() == '.' && ending.find_first_not_of("0123456789", 1) == ending.npos);
  });
}

bool PathPatterns::may_concern(std::string_view path) const {
  const bool is_folder = path.ends_with('/');
  if (is_folder) path.remove_suffix(1);
  if (is_never(path)) return false;
  const Parts names = parts_of(path);
  return std::ranges::any_of(
      all_, [&](const Parts& parts) { return leads_to(parts, {.names = names, .is_folder = is_folder}, false); });
}

}  // namespace gatehouse
