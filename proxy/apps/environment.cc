#include "proxy/apps/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::array<std::string_view, 16> kInherited = {
    "PATH", "HOME",      "LANG",         "LANGUAGE", "TZ",   "USER",        "LOGNAME",       "SHELL",
    "TERM", "JAVA_HOME", "SSL_CERT_DIR", "TMPDIR",   "TEMP", "VIRTUAL_ENV", "SSL_CERT_FILE", "NO_COLOR"};
constexpr std::array<std::string_view, 2> kInheritedPrefixes = {"LC_", "DOTNET_"};
constexpr std::size_t kLargestFile = 1024UL * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

bool inherited(std::string_view name, const std::vector<std::string>& asked_for) {
  const auto is_asked_for = [&](std::string_view asked) {
    return asked.ends_with('*') ? name.starts_with(asked.substr(0, asked.size() - 1)) : name == asked;
  };
  return std::ranges::contains(kInherited, name) ||
         std::ranges::any_of(kInheritedPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); }) ||
         std::ranges::any_of(asked_for, is_asked_for);
}

std::string_view unquoted(std::string_view value) {
  const bool quoted =
      value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back();
  return quoted ? value.substr(1, value.size() - 2) : value;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.find_first_of(" \t=") == std::string_view::npos;
}

}  // namespace

Result<Environment> parse_environment(const std::string& text) {
  Environment found;
  std::size_t number = 0;
  std::string_view rest = text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());  // of editors on Windows
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = text::trim(line);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = text::trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || !is_name(line.substr(0, equals))) {
      return failure("line " + std::to_string(number) + " is not NAME=value");
    }
    found.emplace_back(line.substr(0, equals), unquoted(line.substr(equals + 1)));
  }
  return found;
}

Result<Environment> environment_from_file(const std::string& path, const AppUser& user) {
  if (path.empty()) return Environment();
  const auto failed = [](const Error& error) { return failure("the environment file: " + error.message, error.code); };
  const Result<AppFile> app_file = AppFile::find(path, user);
  if (!app_file) return failed(app_file.error());
  const Result<std::string> text = app_file->read(kLargestFile, AppFile::Excess::kFails);
  if (!text) return failed(text.error());
  Result<Environment> parsed = parse_environment(*text);
  if (!parsed) return failure("the environment file " + path + ": " + parsed.error().message);
  return parsed;
}

std::vector<std::string> environment_of(const AppSpec::Process& process, const AppUser& user,
                                        const Environment& from_file, const Environment& added) {
  std::map<std::string, std::string, std::less<>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !inherited(text.substr(0, equals), process.environment_from)) continue;
    variables.insert_or_assign(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  variables.try_emplace("PATH", kDefaultPath);
  if (user) {
    variables["HOME"] = user->home;
    variables["USER"] = variables["LOGNAME"] = user->name;
  }
  for (const auto& [name, value] : from_file) variables.insert_or_assign(name, value);
  for (const auto& [name, value] : process.environment) variables.insert_or_assign(name, value);
  for (const auto& [name, value] : added) variables.insert_or_assign(name, value);
  std::vector<std::string> texts;
  texts.reserve(variables.size());
  for (const auto& [name, value] : variables) texts.push_back(std::string(name).append("=").append(value));
  return texts;
}

}  // namespace gatehouse
