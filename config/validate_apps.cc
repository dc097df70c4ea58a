#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "config/quoting.h"
#include "config/users.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

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

// Nothing if it could be.
std::optional<std::string> why_not_run(const App& app, const std::vector<std::string>& command) {
  if (command.empty()) return std::nullopt;
  const std::string& program = command[0];
  if (program.contains('/')) {
    const int reason = cannot_run(program);
    if (reason == 0) return std::nullopt;
    return std::format("{}: {}", in_quotes(program), std::generic_category().message(reason));
  }
  const std::string path = search_path(app);
  for (const auto part : std::views::split(path, ':')) {
    const std::string folder(std::string_view(part.begin(), part.end()));
    if (cannot_run((folder.empty() ? app.directory : folder) + "/" + program) == 0) return std::nullopt;
  }
  const bool beside = cannot_run(app.directory + "/" + program) == 0;
  return std::format("no program {} in PATH", in_quotes(program)) +
         (beside ? std::format("; for the one in its directory write its path, such as {}",
                               in_quotes(app.directory + "/" + program))
                 : "");
}

void check_hooks(const App& app, std::vector<Diagnostic>& out) {
  for (const std::vector<std::string>* command : {&app.hooks.started, &app.hooks.failed, &app.hooks.recycled}) {
    if (const auto why_not = why_not_run(app, *command)) {
      warning(out, app.hooks_location,
              std::format("a hook of the app {} cannot run: {}", in_quotes(app.name), *why_not));
    }
  }
}

// A warning: an app may be deployed, and its program come to be, after we were started.
void check_program(const App& app, std::vector<Diagnostic>& out) {
  if (auto why_not = why_not_started(app)) warning(out, app.command_location, *std::move(why_not));
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

// A file may come to be, which is a change as well; of a pattern the folder before it is what must be there.
void check_watched(const App& app, std::vector<Diagnostic>& out) {
  for (const std::string& path : app.recycle.on_change) {
    const std::string folder = path.substr(0, path.rfind('/', path.find_first_of("*?[")));
    if (is_there(path) || is_there(folder.empty() ? "/" : folder)) continue;
    warning(out, app.location,
            std::format("the app {} is not recycled for {} (on_change): there is no folder {}", in_quotes(app.name),
                        in_quotes(path), in_quotes(folder)));
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

std::optional<std::string> why_not_started(const App& app) {
  if (auto why_not = why_not_run(app, app.command)) {
    return std::format("the app {} cannot start: {}", in_quotes(app.name), *why_not);
  }
  return std::nullopt;
}

std::vector<Diagnostic> validate_apps(const Config& config) {
  std::vector<Diagnostic> out;
  for (const App& app : config.apps) {
    check_directory(app, out);
    check_program(app, out);
    check_hooks(app, out);
    check_script(app, out);
    check_watched(app, out);
    check_environment_file(app, out);
    check_user(app, config.server, out);
  }
  return out;
}

}  // namespace gatehouse::config
