#include "config/reading/assembly.h"

#include <filesystem>
#include <format>

#include "config/quoting.h"
#include "config/reading/file_pattern.h"
#include "config/reading/nesting.h"

namespace gatehouse::config {

namespace {

// More than this, nobody finds their way through; and it bounds our stack.
constexpr std::size_t kDeepest = 8;

}  // namespace

void Assembly::fail(Location location, std::string message) {
  whole_ = false;
  reading_.error(std::move(location), std::move(message));
}

void Assembly::add_file(const std::string& path) {
  add(path, nullptr, 0);
}

void Assembly::add_text(std::string_view text, const std::string& name) {
  reading_.enter(name);
  sources_.files.push_back({.name = name, .text = std::string(text)});
  if (text.size() > kMostText) return fail({.file = name}, "larger than 64 MiB; this is no configuration");
  for (const Entry& entry : read_text(text)) {
    fail(entry.location, "\"include\": this configuration is in no file, and can include none");
  }
}

void Assembly::add(const std::string& path, const Entry* from, std::size_t depth) {
  const SourceRole role = from == nullptr ? SourceRole::kNamed : SourceRole::kIncluded;
  auto file = read_source(path, role, kMostText - size_);
  if (!file) {
    sources_.files.push_back({.name = path, .text = {}});
    if (from == nullptr || from->is_pattern) return fail({.file = path}, std::move(file.error()));
    const bool folder = std::filesystem::is_directory(path);
    const std::string advice = folder ? std::format("; write {} for all in it", in_quotes(path + "/*.toml")) : "";
    return fail(from->location, std::format("\"include\": {}: {}{}", in_quotes(path), file.error(), advice));
  }
  if (!is_new(*file, path, from)) return;
  size_ += file->text.size();
  reading_.enter(path);
  const Entries entries = read_text(file->text);
  sources_.files.push_back({.name = path, .text = std::move(file->text)});
  for (const Entry& entry : entries) include(entry, depth + 1);
}

bool Assembly::is_new(const SourceFile& file, const std::string& path, const Entry* from) {
  const auto place = from == nullptr ? std::nullopt : std::optional(from->location);
  const auto [at, is_new] = seen_.try_emplace(file.identity, path, place);
  if (is_new || from == nullptr) return true;
  const auto& [other, included] = at->second;
  if (!included) {
    fail(from->location,
         std::format("\"include\": {} is the file that all begins with, which would include itself; put what it "
                     "includes into a folder of its own, as in \"conf.d/*.toml\"",
                     in_quotes(path)));
  } else if (other != path) {
    fail(from->location, std::format("\"include\": {} is the same file as {}, which is included in {}", in_quotes(path),
                                     in_quotes(other), seen_from(from->location, *included)));
  } else {
    fail(from->location, std::format("\"include\": {} is included twice, here and in {}", in_quotes(path),
                                     seen_from(from->location, *included)));
  }
  return false;
}

Assembly::Entries Assembly::read_text(std::string_view text) {
  const std::string& name = reading_.file();
  if (const auto where = too_many_dots(text)) {
    fail({.file = name, .line = where->line, .column = where->column}, "no key has so many dots");
    return {};
  }
  Entries entries;
  try {
    const toml::table document = toml::parse(text, std::string_view(name));
    ++documents_;
    TableReader::read_document(reading_, &document, [&](TableReader& top) { read_top(top, entries); });
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    fail({.file = name, .line = at.line, .column = at.column}, std::string(error.description()));
    return {};
  }
  return entries;
}

void Assembly::ask_for_keys() {
  Entries none;
  TableReader::read_document(reading_, nullptr, [&](TableReader& top) { read_top(top, none); });
}

// Files that are included have names as the first one has: relative if that was named so.
void Assembly::read_top(TableReader& top, Entries& entries) {
  const std::filesystem::path folder = std::filesystem::path(reading_.file()).parent_path();
  top.strings("include", [&](const std::string& written, const Location& where) {
    if (written.empty() || written.contains('\0')) {
      return top.error(where,
                       std::format(R"("include" lists files, such as "conf.d/*.toml", not {})", in_quotes(written)));
    }
    const bool pattern = is_pattern(written);
    entries.push_back(
        {.path = pattern ? pattern_below(folder.string(), written) : (folder / written).lexically_normal().string(),
         .is_pattern = pattern,
         .location = where});
  });
  read_(top);
}

void Assembly::include(const Entry& entry, std::size_t depth) {
  if (depth > kDeepest) {
    return fail(entry.location, std::format("\"include\": files include each other {} deep, which is as far as it may "
                                            "go",
                                            kDeepest));
  }
  if (entry.is_pattern) {
    include_matches(entry, depth);
  } else {
    add(entry.path, &entry, depth);
  }
}

void Assembly::include_matches(const Entry& entry, std::size_t depth) {
  sources_.patterns.push_back(entry.path);
  const auto files = files_matching(entry.path);
  if (!files) return fail(entry.location, std::format("\"include\": {}", files.error()));
  const std::string fixed = fixed_folder(entry.path);
  if (const auto there = files_matching(fixed); there && there->empty()) {
    reading_.warning(entry.location, std::format("\"include\": there is no folder {}", in_quotes(fixed)));
  }
  for (const std::string& file : *files) add(file, &entry, depth);
}

}  // namespace gatehouse::config
