#include "config/web_config/windows_paths.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <ranges>
#include <system_error>

#include "common/text.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

constexpr std::string_view kExe = ".exe";

bool exists(const std::string& file) {
  std::error_code error;
  return std::filesystem::is_regular_file(file, error);
}

std::string with_slashes(std::string_view path) {
  std::string out(path);
  std::ranges::replace(out, '\\', '/');
  return out;
}

bool has_drive_or_share(std::string_view path) {
  return path.starts_with("\\\\") || path.starts_with("//") || (path.size() >= 2 && path[1] == ':');
}

std::string in_folder(const std::string& path, const std::string& folder) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

// Whether PATH has a program of this name.
bool in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
  return std::ranges::any_of(
      std::views::split(std::string_view(path == nullptr ? "" : path), ':'),
      [&](const auto& part) { return exists(std::string(part.begin(), part.end()) + "/" + program); });
}

// Where the app is to listen, which each of its processes is told.
bool is_port(const std::string& variable) {
  const std::string name = text::lower(variable);
  return name == "aspnetcore_port" || name == "http_platform_port";
}

std::string with_own_folder(std::string_view text) {
  constexpr std::string_view kSite = R"(%home%\site\wwwroot)";
  std::string out(text);
  for (std::size_t at = text::lower(out).find(kSite); at != std::string::npos; at = text::lower(out).find(kSite)) {
    out.replace(at, kSite.size(), ".");
  }
  return out;
}

// What a run of backslashes before a quote means: each pair is one; an odd one makes the quote literal.
struct Splitter {
  std::vector<std::string> out;
  std::string current;
  bool in_quotes = false;
  bool started = false;
  std::size_t backslashes = 0;

  void flush_backslashes(std::size_t divisor) {
    current.append(backslashes / divisor, '\\');
    backslashes = 0;
  }
  void end_argument() {
    if (started) out.push_back(std::move(current));
    current.clear();
    started = false;
  }
  // Returns how many more characters it used up.
  std::size_t quote(bool another_follows) {
    started = true;
    const bool is_literal = backslashes % 2 != 0;
    flush_backslashes(2);
    if (is_literal) {
      current += '"';
    } else if (in_quotes && another_follows) {
      current += '"';
      return 1;
    } else {
      in_quotes = !in_quotes;
    }
    return 0;
  }
};

}  // namespace

std::vector<std::string> split_windows_arguments(std::string_view text) {
  Splitter splitter;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      splitter.started = true;
      ++splitter.backslashes;
      continue;
    }
    if (c == '"') {
      i += splitter.quote(i + 1 < text.size() && text[i + 1] == '"');
      continue;
    }
    splitter.flush_backslashes(1);
    if ((c == ' ' || c == '\t') && !splitter.in_quotes) {
      splitter.end_argument();
    } else {
      splitter.started = true;
      splitter.current += c;
    }
  }
  splitter.flush_backslashes(1);
  splitter.end_argument();
  return std::move(splitter.out);
}

Result<std::string> expand_percent(std::string_view given) {
  const std::string own = with_own_folder(given);
  std::string_view text = own;
  std::string out;
  while (true) {
    const std::size_t begin = text.find('%');
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('%', begin + 1);
    if (end == std::string_view::npos) return out.append(text);
    const std::string name(text.substr(begin + 1, end - begin - 1));
    const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
    if (name.starts_with("LAUNCHER_")) {
      return failure(
          std::format("%{}% stands for what a development tool puts in; use the web.config of a published "
                      "folder (dotnet publish)",
                      name));
    }
    if (value == nullptr && !is_port(name))
      return failure(std::format("the environment variable {} is not set", in_quotes(name)));
    out.append(text.substr(0, begin)).append(is_port(name) ? "{port}" : value);
    text.remove_prefix(end + 1);
  }
}

Result<std::string> local_path(std::string_view path, const std::string& folder) {
  if (has_drive_or_share(path)) {
    return failure(
        std::format("{} is a path of another machine; write one that is relative to this folder", in_quotes(path)));
  }
  return in_folder(with_slashes(path), folder);
}

std::string local_argument(const std::string& argument, const std::string& folder) {
  const std::string mapped = with_slashes(argument);
  std::error_code error;
  const bool is_path = argument.starts_with(".\\") || argument.starts_with("..\\") ||
                       (argument.contains('\\') && std::filesystem::exists(in_folder(mapped, folder), error));
  return is_path ? mapped : argument;
}

Result<LocalProgram> local_program(const std::string& path, const std::string& folder) {
  const std::string mapped = with_slashes(path);
  const std::string file = mapped.substr(mapped.rfind('/') + 1);
  const bool is_exe = text::lower(file).ends_with(kExe);
  const std::string stem = is_exe ? file.substr(0, file.size() - kExe.size()) : file;
  if (text::lower(stem) == "dotnet") {
    return LocalProgram{.command = {"dotnet"}, .remark = mapped == "dotnet" ? "" : "the \"dotnet\" in PATH is used"};
  }
  if (stem.empty() || has_drive_or_share(path)) {
    return failure(std::format("{} is no program here; write one that is relative to this folder, or \"dotnet\"",
                               in_quotes(path)));
  }
  if (!mapped.contains('/') && !is_exe) return LocalProgram{.command = {mapped}, .remark = ""};

  const std::string whole = in_folder(mapped, folder);
  const std::string program = is_exe ? whole.substr(0, whole.size() - kExe.size()) : whole;
  const std::string assembly = program + ".dll";
  if (!exists(program) && exists(assembly)) {
    return LocalProgram{
        .command = {"dotnet", assembly},
        .remark = std::format("{} is run by dotnet: there is no {}", in_quotes(assembly), in_quotes(program))};
  }
  return LocalProgram{.command = {program}, .remark = ""};
}

Result<LocalProgram> program_of(const std::string& path, const std::string& folder) {
  const auto expanded = expand_percent(path);
  if (expanded) return local_program(*expanded, folder);
  const std::size_t end = path.starts_with('%') ? path.find('%', 1) : std::string::npos;
  if (end == std::string::npos || path.contains("LAUNCHER_")) return std::unexpected(expanded.error());
  const std::string mapped = with_slashes(std::string_view(path).substr(end + 1));
  const auto program = local_program(mapped.substr(mapped.rfind('/') + 1), folder);
  const std::string stem = std::filesystem::path(mapped).stem().string();
  if (!program || (program->command.front() != "dotnet" && !in_path(stem))) return std::unexpected(expanded.error());
  return LocalProgram{.command = {program->command.front() == "dotnet" ? "dotnet" : stem},
                      .remark = std::format("the {} in PATH is used", in_quotes(stem))};
}

std::optional<std::chrono::seconds> parse_windows_time(std::string_view text) {
  constexpr std::uint64_t kSixty = 60;
  constexpr std::uint64_t kHoursOfADay = 24;
  constexpr std::uint64_t kMost = 1'000'000;
  std::uint64_t days = 0;
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos) {
    const auto given = text::parse_decimal(text.substr(0, dot));
    if (!given || *given > kMost) return std::nullopt;
    days = *given;
    text.remove_prefix(dot + 1);
  }
  std::uint64_t seconds = 0;
  for (std::size_t part = 0; part < 3; ++part) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto value = text::parse_decimal(text.substr(0, colon));
    const std::uint64_t limit = part != 0 ? kSixty : dot == std::string_view::npos ? kMost : kHoursOfADay;
    if (!value || *value >= limit || (part == 2) != (colon == text.size())) return std::nullopt;
    seconds = seconds * kSixty + *value;
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return std::chrono::days(days) + std::chrono::seconds(seconds);
}

}  // namespace gatehouse::config
