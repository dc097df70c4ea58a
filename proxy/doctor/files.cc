#include "proxy/doctor/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include "proxy/system/directories.h"

namespace gatehouse::doctor {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0;
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

int cannot_write(const std::string& path, int how) {
  return ::access(path.c_str(), how) == 0 ? 0 : errno;
}

bool is_file(const std::string& output) {
  return output.starts_with('/');
}

bool all_may_change(const std::string& file) {
  struct stat status{};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IWOTH) != 0;
}

}  // namespace

Findings check_sources(const config::Sources& sources) {
  Findings findings;
  for (const config::Sources::File& source : sources.files) {
    if (!all_may_change(source.name)) continue;
    findings.push_back(
        {.grade = Grade::kProblem,
         .check = "file",
         .message = std::format("every user of this machine can change {}; `chmod o-w {}`", source.name, source.name)});
  }
  if (findings.empty() && !sources.files.empty()) {
    const std::size_t others = sources.files.size() - 1;
    const std::string more = others == 0 ? "" : std::format(" (and {} that it includes)", others);
    findings.push_back({.grade = Grade::kOk,
                        .check = "file",
                        .message = std::format("{}{} is for its owner to change", sources.files.front().name, more)});
  }
  return findings;
}

PathFacts look_at_file(std::string what, const std::string& path) {
  PathFacts facts{.what = std::move(what), .path = path, .looked_at = path};
  if (is_folder(path)) {
    facts.error = EISDIR;
  } else if (is_there(path)) {
    facts.error = cannot_write(path, W_OK);
  } else {
    facts.looked_at = fs::path(path).parent_path().string();
    facts.error = cannot_write(facts.looked_at, W_OK | X_OK);
  }
  return facts;
}

PathFacts look_at_folder(std::string what, const std::string& path) {
  PathFacts facts{.what = std::move(what), .path = path, .looked_at = path};
  while (!is_there(facts.looked_at) && facts.looked_at.size() > 1) {
    facts.looked_at = fs::path(facts.looked_at).parent_path().string();
  }
  facts.error = is_folder(facts.looked_at) ? cannot_write(facts.looked_at, W_OK | X_OK) : ENOTDIR;
  return facts;
}

Finding judge_path(const PathFacts& facts) {
  if (facts.error == 0) {
    return {
        .grade = Grade::kOk, .check = "file", .message = std::format("{} can be written: {}", facts.what, facts.path)};
  }
  const std::string reason = std::generic_category().message(facts.error);
  std::string fix = std::format("give this user write access to {}", facts.looked_at);
  if (facts.error == ENOENT) fix = std::format("`mkdir -p {}`", facts.looked_at);
  if (facts.error == EISDIR || facts.error == ENOTDIR) fix = "name another place in the configuration";
  return {.grade = Grade::kProblem,
          .check = "file",
          .message = std::format("{} cannot be written: {}: {}; {}", facts.what, facts.looked_at, reason, fix)};
}

Findings check_files(const config::Config& config) {
  Findings findings;
  const auto judge = [&](const PathFacts& facts) { findings.push_back(judge_path(facts)); };
  if (is_file(config.log.output)) judge(look_at_file("the log", config.log.output));
  if (is_file(config.log.access.output)) judge(look_at_file("the access log", config.log.access.output));
  for (const config::App& app : config.apps) {
    if (app.output == AppOutput::kFile) judge(look_at_file("the output of " + app.name, app.output_path));
  }
  const std::string state = directories::state_path().string();
  if (state.empty()) {
    findings.push_back({.grade = Grade::kWarning,
                        .check = "file",
                        .message = "there is no state directory, so that secrets do not outlive a restart; set "
                                   "STATE_DIRECTORY, or HOME"});
  } else {
    judge(look_at_folder("the state directory", state));
  }
  const std::string runtime = directories::runtime_path().string();
  if (!config.server.control.empty()) {
    judge(look_at_folder("the folder of the control socket", fs::path(config.server.control).parent_path().string()));
  } else if (!runtime.empty()) {
    judge(look_at_folder("the runtime directory", runtime));
  }
  return findings;
}

}  // namespace gatehouse::doctor
