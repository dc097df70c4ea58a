#include "config/reading/file_pattern.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <format>
#include <memory>
#include <system_error>

#include "config/quoting.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kSpecial = "*?[";

// What the last call on this thread could not look into; glob(3) hands nothing to its callback.
thread_local std::string unreadable_folder;

int on_error(const char* path, int code) {
  if (code == ENOENT || code == ENOTDIR) return 0;
  unreadable_folder =
      std::format("cannot look into the folder {}: {}", in_quotes(path), std::generic_category().message(code));
  return 1;
}

// The first special character from `at` on that does not stand for itself.
std::size_t special_in(std::string_view pattern, std::size_t at) {
  for (; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (kSpecial.contains(pattern[at])) {
      return at;
    }
  }
  return std::string_view::npos;
}

// The folder of what has its character `at`.
std::string parent_of(std::string_view pattern, std::size_t at) {
  const std::size_t slash = pattern.rfind('/', at);
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(pattern.substr(0, slash));
}

struct GlobDeleter {
  void operator()(glob_t* found) const { ::globfree(found); }
};

}  // namespace

bool is_pattern(std::string_view path) {
  return special_in(path, 0) != std::string_view::npos;
}

std::string pattern_below(std::string_view folder, std::string_view pattern) {
  std::string escaped;
  for (const char c : folder) {
    if (c == '\\' || kSpecial.contains(c)) escaped += '\\';
    escaped += c;
  }
  return (std::filesystem::path(escaped) / pattern).lexically_normal().string();
}

std::expected<std::vector<std::string>, std::string> files_matching(const std::string& pattern) {
  glob_t storage{};
  unreadable_folder.clear();
  const int outcome = ::glob(pattern.c_str(), GLOB_NOSORT, on_error, &storage);
  const std::unique_ptr<glob_t, GlobDeleter> found(&storage);
  if (outcome == GLOB_ABORTED) return std::unexpected(unreadable_folder);
  if (outcome == GLOB_NOSPACE) return std::unexpected("out of memory");
  std::vector<std::string> files(found->gl_pathv, found->gl_pathv + found->gl_pathc);
  std::ranges::sort(files);
  return files;
}

std::string fixed_folder(const std::string& pattern) {
  return parent_of(pattern, special_in(pattern, 0));
}

std::vector<std::string> folders_of(const std::string& pattern) {
  std::vector<std::string> folders;
  for (std::size_t at = special_in(pattern, 0); at != std::string::npos;) {
    std::string parent = parent_of(pattern, at);
    auto found = files_matching(parent);
    while (found && found->empty() && parent != "/" && parent != ".") {  // not there yet: it comes into one above
      parent = parent_of(parent, parent.size());
      found = files_matching(parent);
    }
    if (found) folders.insert(folders.end(), found->begin(), found->end());
    const std::size_t next = pattern.find('/', at);
    at = next == std::string::npos ? next : special_in(pattern, next);
  }
  return folders;
}

}  // namespace gatehouse::config
