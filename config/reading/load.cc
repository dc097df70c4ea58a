#include "config/reading/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <format>
#include <iterator>
#include <tuple>
#include <utility>

#include "common/fd.h"
#include "config/reading/nesting.h"
#include "config/reading/schema.h"
#include "config/reading/sections.h"
#include "config/reading/toml_reader.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLargestFile = std::size_t{1024} * 1024;

enum class Depth { kText, kMachine };

Loaded failed(Location location, std::string message) {
  return {.config = std::nullopt, .diagnostics = {{.location = std::move(location), .message = std::move(message)}}};
}

bool is_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  return text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0');  // a configuration starts with ASCII
}

std::expected<toml::table, Diagnostic> parse_document(std::string_view text, const std::string& filename) {
  if (const auto where = too_many_dots(text)) {
    return std::unexpected(Diagnostic{.location = {.file = filename, .line = where->line, .column = where->column},
                                      .message = "no key has so many dots"});
  }
  try {
    return toml::parse(text, std::string_view(filename));
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    return std::unexpected(Diagnostic{.location = {.file = filename, .line = at.line, .column = at.column},
                                      .message = std::string(error.description())});
  }
}

// One line each, whatever the file, the environment or the parser put in.
void make_one_line(Diagnostic& diagnostic) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; };
  std::ranges::replace_if(diagnostic.message, is_control, ' ');
}

Loaded finish(Config config, std::vector<Diagnostic> diagnostics) {
  for (Diagnostic& diagnostic : diagnostics) {
    diagnostic.message = config.veil.over(diagnostic.message);
    make_one_line(diagnostic);
  }
  std::ranges::stable_sort(diagnostics, {}, [](const Diagnostic& diagnostic) {
    return std::pair(diagnostic.location.line, diagnostic.location.column);
  });
  Loaded loaded{.config = std::nullopt, .diagnostics = std::move(diagnostics)};
  if (!has_errors(loaded.diagnostics)) loaded.config = std::move(config);
  return loaded;
}

Loaded read(std::string_view text, const std::string& filename, Depth depth) {
  if (text.size() > kLargestFile) return failed({.file = filename}, "larger than 1 MiB; this is no configuration");
  if (is_utf16(text)) return failed({.file = filename}, "this looks like UTF-16; save the file as UTF-8");
  const auto document = parse_document(text, filename);
  if (!document) return finish({}, {document.error()});

  Config config{.file = filename};
  Reading reading(filename);
  TableReader::read_document(reading, &*document, [&](TableReader& top) { read_config(top, config); });
  config.veil = std::move(reading.veil);
  std::vector<Diagnostic> diagnostics = std::move(reading.diagnostics);
  std::ranges::move(validate(config), std::back_inserter(diagnostics));
  if (depth == Depth::kMachine) std::ranges::move(validate_machine(config), std::back_inserter(diagnostics));
  return finish(std::move(config), std::move(diagnostics));
}

// At most one byte more than a configuration may have.
std::expected<std::string, int> contents(int file) {
  std::string text;
  std::array<char, 64 * 1024> chunk{};
  while (text.size() <= kLargestFile) {
    const ssize_t count = ::read(file, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(errno);
    if (count == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return text;
}

struct OpenedFile {
  std::string text;
  mode_t mode = 0;
};

std::expected<OpenedFile, std::string> open_file(const std::string& path) {
  const auto unreadable = [](int code) {
    return std::unexpected(system_failure("cannot read the file", code).error().message);
  };
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return unreadable(errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return unreadable(errno);
  if (S_ISDIR(status.st_mode)) return std::unexpected("this is a folder, not a file");
  auto text = contents(file.get());
  if (!text) return unreadable(text.error());
  return OpenedFile{.text = *std::move(text), .mode = status.st_mode};
}

}  // namespace

Loaded load(const std::string& path) {
  const auto file = open_file(path);
  if (!file) return failed({.file = path}, file.error());
  Loaded loaded = read(file->text, path, Depth::kMachine);
  if (S_ISREG(file->mode) && (file->mode & S_IWOTH) != 0) {
    loaded.diagnostics.insert(loaded.diagnostics.begin(),
                              {.severity = Severity::kWarning,
                               .location = {.file = path},
                               .message = "every user of this machine can change this file; use chmod o-w"});
  }
  return loaded;
}

Loaded load_without_machine(const std::string& path) {
  const auto file = open_file(path);
  return file ? read(file->text, path, Depth::kText) : failed({.file = path}, file.error());
}

std::optional<Server> server_of(const std::string& path) {
  const auto file = open_file(path);
  if (!file || is_utf16(file->text)) return std::nullopt;
  const auto document = parse_document(file->text, path);
  if (!document) return std::nullopt;
  Server server;
  Reading reading(path);  // what it finds wrong is for others to say
  TableReader::read_document(reading, &*document, [&](TableReader& top) {
    top.table("server", [&](TableReader& table) { read_server(table, server); });
  });
  return server;
}

std::optional<std::string> control_socket_of(const std::string& path) {
  const std::optional<Server> server = server_of(path);
  if (!server) return std::nullopt;
  return server->control;
}

Loaded parse(std::string_view text, const std::string& filename) {
  return read(text, filename, Depth::kText);
}

std::set<std::string> known_keys() {
  Config config;
  Reading reading("");
  TableReader::read_document(reading, nullptr, [&](TableReader& top) { read_config(top, config); });
  return std::move(reading.known_keys);
}

std::set<std::string> used_keys(std::string_view text) {
  const auto document = parse_document(text, "");
  if (!document) return {};
  Config config;
  Reading reading("");
  TableReader::read_document(reading, &*document, [&](TableReader& top) { read_config(top, config); });
  return std::move(reading.used_keys);
}

}  // namespace gatehouse::config
