// Values by the prefix of a path, found by the longest that covers a path by whole segments. Paths are canonical
// (target.h). Filled by whoever makes a table of routes, then only read; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gatehouse {

// For maps by text that are asked with views.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

template <class Value>
class PathTable {
 public:
  // The first of two values for the same path stays.
  void add(std::string_view path, Value value) {
    const std::string_view prefix = without_trailing_slash(path);
    by_path_.try_emplace(std::string(prefix), value);
    longest_ = std::max(longest_, prefix.size());
  }
  // Null: none covers it. "*" (OPTIONS) counts as "/".
  const Value* match(std::string_view path) const {
    if (by_path_.empty()) return nullptr;
    if (!path.starts_with('/')) path = "/";
    std::string_view prefix = without_trailing_slash(path);
    if (prefix.size() > longest_) {
      // Cut at the last slash that still leaves a prefix of a known length.
      const std::size_t slash = prefix.rfind('/', longest_);
      prefix = prefix.substr(0, std::max<std::size_t>(slash, 1));
    }
    for (; !prefix.empty(); prefix = parent(prefix)) {
      if (const auto found = by_path_.find(prefix); found != by_path_.end()) return &found->second;
    }
    return nullptr;
  }
  // Null: none has this very path.
  const Value* exactly(std::string_view path) const {
    const auto found = by_path_.find(without_trailing_slash(path));
    return found == by_path_.end() ? nullptr : &found->second;
  }
  bool empty() const { return by_path_.empty(); }

 private:
  // "/api/" and "/api" are the same prefix.
  static std::string_view without_trailing_slash(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
  }
  // The next shorter prefix by a whole segment: "/a/b" -> "/a" -> "/" -> "".
  static std::string_view parent(std::string_view path) {
    if (path.size() <= 1) return {};
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash);
  }

  TextMap<Value> by_path_;
  // Longer prefixes than the longest known are not even tried.
  std::size_t longest_ = 0;
};

}  // namespace gatehouse
