#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/quoting.h"
#include "config/users.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

void error(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  out.push_back({.location = location, .message = std::move(message)});
}

void warning(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  out.push_back({.severity = Severity::kWarning, .location = location, .message = std::move(message)});
}

// 0, or the reason why it cannot be executed.
int cannot_run(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  return ::access(file.c_str(), X_OK) == 0 ? 0 : errno;
}

// The PATH that the process will get.
std::string search_path(const App& app) {
  const auto own = std::ranges::find(app.environment | std::views::reverse, "PATH",
                                     [](const auto& variable) { return std::string_view(variable.first); });
  if (own != app.environment.rend()) return own->second;
  const char* const ours = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody here sets variables
  return ours == nullptr ? "/usr/bin:/bin" : ours;
}

// Warnings: an app may be deployed, and its program come to be, after we were started.
void check_program(const App& app, std::vector<Diagnostic>& out) {
  if (app.command.empty()) return;
  const std::string& program = app.command[0];
  if (program.contains('/')) {
    const int reason = cannot_run(program);
    if (reason == 0) return;
    warning(out, app.command_location,
            std::format("the app {} cannot start: {}: {}", in_quotes(app.name), in_quotes(program),
                        std::generic_category().message(reason)));
    return;
  }
  const std::string path = search_path(app);
  for (const auto part : std::views::split(path, ':')) {
    const std::string folder(std::string_view(part.begin(), part.end()));
    if (cannot_run((folder.empty() ? app.directory : folder) + "/" + program) == 0) return;
  }
  const bool beside = cannot_run(app.directory + "/" + program) == 0;
  warning(out, app.command_location,
          std::format("the app {} cannot start: no program {} in PATH", in_quotes(app.name), in_quotes(program)) +
              (beside ? std::format("; for the one in its directory write its path, such as {}",
                                    in_quotes(app.directory + "/" + program))
                      : ""));
}

bool is_there(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0;
}

// The word of the command that names a file which the program reads: a script or an assembly; empty: none is known.
std::string script_of(const App& app) {
  constexpr auto kInterpreters = std::to_array<std::string_view>(
      {"python", "python3", "node", "ruby", "perl", "php", "bash", "sh", "dotnet", "java"});
  constexpr auto kEndings =
      std::to_array<std::string_view>({".py", ".js", ".mjs", ".cjs", ".rb", ".pl", ".php", ".sh", ".dll", ".jar"});
  if (app.command.size() < 2) return {};
  const std::string& program = app.command[0];
  const std::string_view name = std::string_view(program).substr(program.rfind('/') + 1);
  if (!std::ranges::contains(kInterpreters, name)) return {};
  const std::string& word = app.command[1] == "-jar" && app.command.size() > 2 ? app.command[2] : app.command[1];
  const bool named = std::ranges::any_of(kEndings, [&](std::string_view ending) { return word.ends_with(ending); });
  return named ? word : std::string();
}

void check_script(const App& app, std::vector<Diagnostic>& out) {
  const std::string script = script_of(app);
  if (script.empty() || app.directory.empty() || !is_there(app.directory)) return;
  if (is_there(script.starts_with('/') ? script : app.directory + "/" + script)) return;
  warning(out, app.command_location,
          std::format("the app {} cannot start: there is no {} in its directory {}", in_quotes(app.name),
                      in_quotes(script), in_quotes(app.directory)));
}

// A file may come to be, which is a change as well; its folder is what is watched.
void check_watched(const App& app, std::vector<Diagnostic>& out) {
  for (const std::string& path : app.recycle.on_change) {
    const std::string folder = path.substr(0, path.rfind('/'));
    if (is_there(path) || is_there(folder.empty() ? "/" : folder)) continue;
    warning(out, app.location,
            std::format("the app {} is never recycled for {} (on_change): there is no such folder", in_quotes(app.name),
                        in_quotes(path)));
  }
}

void check_directory(const App& app, std::vector<Diagnostic>& out) {
  if (app.directory.empty()) return;
  struct stat status{};
  if (::stat(app.directory.c_str(), &status) != 0) {
    error(out, app.directory_location,
          std::format("the directory {} of the app {} cannot be used: {}", in_quotes(app.directory),
                      in_quotes(app.name), std::generic_category().message(errno)));
  } else if (!S_ISDIR(status.st_mode)) {
    error(out, app.directory_location, std::format("{} is a file, not a directory", in_quotes(app.directory)));
  }
}

void check_environment_file(const App& app, std::vector<Diagnostic>& out) {
  if (app.environment_file.empty() || ::access(app.environment_file.c_str(), R_OK) == 0) return;
  error(out, app.environment_file_location,
        std::format("the environment file {} of the app {} cannot be read: {}", in_quotes(app.environment_file),
                    in_quotes(app.name), std::generic_category().message(errno)));
}

void check_user(const App& app, const Server& server, std::vector<Diagnostic>& out) {
  if (app.user.empty()) return;
  const auto uid = uid_of(app.user);
  if (!uid) return error(out, app.user_location, uid.error().message);
  if (!server.user.empty() && server.user != app.user && uid_of(server.user) != 0U) {
    error(out, app.user_location,
          std::format(
              "the app {} cannot run as {}: gatehouse itself is {} by then (\"user\" in [server]), and only root can "
              "change users",
              in_quotes(app.name), in_quotes(app.user), in_quotes(server.user)));
  } else if (::geteuid() != 0 && *uid != ::geteuid()) {
    error(out, app.user_location,
          std::format("only root can run the app {} as {}; run gatehouse as root, or leave \"user\" out",
                      in_quotes(app.name), in_quotes(app.user)));
  }
}

}  // namespace

std::vector<Diagnostic> validate_apps(const Config& config) {
  std::vector<Diagnostic> out;
  for (const App& app : config.apps) {
    check_directory(app, out);
    check_program(app, out);
    check_script(app, out);
    check_watched(app, out);
    check_environment_file(app, out);
    check_user(app, config.server, out);
  }
  return out;
}

}  // namespace gatehouse::config
