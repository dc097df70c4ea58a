#include "config/reading/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <set>
#include <string_view>

#include "common/fd.h"
#include "common/result.h"
#include "config/reading/file_pattern.h"

namespace gatehouse::config {

namespace {

bool is_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  return text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0');  // a configuration starts with ASCII
}

// At most one byte more than `most`.
std::expected<std::string, int> contents(int file, std::size_t most) {
  constexpr std::size_t kChunk = std::size_t{64} * 1024;
  std::string text;
  std::array<char, kChunk> chunk{};
  while (text.size() <= most) {
    const ssize_t count = ::read(file, chunk.data(), std::min(chunk.size(), most + 1 - text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(errno);
    if (count == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::unexpected<std::string> unreadable(int code) {
  return std::unexpected(system_failure("cannot read the file", code).error().message);
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  return S_ISSOCK(mode) ? "a socket" : "a device";
}

}  // namespace

std::expected<SourceFile, std::string> read_source(const std::string& path, SourceRole role, std::size_t most) {
  const bool included = role == SourceRole::kIncluded;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | (included ? O_NONBLOCK : 0)));
  if (!file) return unreadable(errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return unreadable(errno);
  if (S_ISDIR(status.st_mode) || (included && !S_ISREG(status.st_mode))) {
    return std::unexpected(std::format("this is {}, not a file", kind_of(status.st_mode)));
  }
  auto text = contents(file.get(), most);
  if (!text) return unreadable(text.error());
  if (text->size() > most) {
    return std::unexpected(most == kMostText
                               ? "larger than 64 MiB; this is no configuration"
                               : "with it the files of the configuration are larger than 64 MiB together");
  }
  if (is_utf16(*text)) return std::unexpected("this looks like UTF-16; save the file as UTF-8");
  return SourceFile{.text = *std::move(text), .identity = {status.st_dev, status.st_ino}};
}

std::vector<Diagnostic> warnings_of_writers(const Sources& sources) {
  std::vector<Diagnostic> out;
  const auto warn = [&](const std::string& path, std::string message) {
    out.push_back({.severity = Severity::kWarning, .location = {.file = path}, .message = std::move(message)});
  };
  struct stat status{};
  for (const Sources::File& file : sources.files) {
    if (::stat(file.name.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & S_IWOTH) == 0)
      continue;
    warn(file.name, "every user of this machine can change this file; use chmod o-w");
  }
  std::set<std::string> folders;
  for (const std::string& pattern : sources.patterns) {
    for (std::string& folder : folders_of(pattern)) folders.insert(std::move(folder));
  }
  for (const std::string& folder : folders) {
    if (::stat(folder.c_str(), &status) != 0 || (status.st_mode & S_IWOTH) == 0) continue;
    warn(folder,
         "every user of this machine can put a file into this folder, from which files are included; use chmod "
         "o-w");
  }
  return out;
}

}  // namespace gatehouse::config
