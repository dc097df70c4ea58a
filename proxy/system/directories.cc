#include "proxy/system/directories.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <optional>
#include <string_view>
#include <system_error>

#include "common/address.h"
#include "common/sockets.h"
#include "common/text.h"

namespace gatehouse::directories {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSocketPrefix = "control-";
constexpr std::string_view kSocketSuffix = ".sock";

// A variable that names a directory, or, as systemd sets it, several with colons between them.
std::optional<fs::path> from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value != '/') return std::nullopt;
  const std::string_view text(value);
  return fs::path(text.substr(0, text.find(':')));
}

Result<fs::path> made(fs::path directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_failure("cannot make the directory " + directory.string(), errno);
  }
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    return system_failure("cannot write in the directory " + directory.string(), errno);
  }
  return directory;
}

bool is_served(const fs::path& socket) {
  const auto address = Address::parse("unix:" + socket.string());
  return address && sockets::accepts(*address);
}

}  // namespace

Result<fs::path> runtime() {
  if (const auto directory = from_environment("RUNTIME_DIRECTORY")) return made(*directory);
  if (geteuid() == 0) {
    if (auto directory = made("/run/gatehouse")) return directory;
  }
  if (const auto directory = from_environment("XDG_RUNTIME_DIR")) return made(*directory / "gatehouse");
  return state();
}

Result<fs::path> passable_runtime() {
  auto directory = runtime();
  if (!directory) return directory;
  struct stat status{};
  constexpr mode_t kPassable = S_IXGRP | S_IXOTH;
  if (::stat(directory->c_str(), &status) != 0) return system_failure("cannot look at " + directory->string(), errno);
  const mode_t wanted = (status.st_mode & 07777U) | kPassable;
  if ((status.st_mode & kPassable) != kPassable && ::chmod(directory->c_str(), wanted) != 0) {
    return system_failure("cannot let others through the directory " + directory->string(), errno);
  }
  return directory;
}

Result<fs::path> state() {
  const fs::path folder = state_path();
  if (folder.empty()) return failure("no place to keep state: none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set");
  return made(folder);
}

fs::path runtime_path() {
  if (const auto directory = from_environment("RUNTIME_DIRECTORY")) return *directory;
  if (geteuid() == 0) return "/run/gatehouse";
  if (const auto directory = from_environment("XDG_RUNTIME_DIR")) return *directory / "gatehouse";
  return state_path();
}

fs::path state_path() {
  if (const auto directory = from_environment("STATE_DIRECTORY")) return *directory;
  if (const auto directory = from_environment("XDG_STATE_HOME")) return *directory / "gatehouse";
  if (const auto home = from_environment("HOME")) return *home / ".local/state/gatehouse";
  return {};
}

Result<fs::path> control_socket(const std::string& config_file) {
  auto directory = runtime();
  if (!directory) return directory;
  std::string name;
  if (config_file.empty()) {
    name = std::format("pid-{}", getpid());
  } else {
    std::error_code error;
    fs::path path = fs::weakly_canonical(config_file, error);
    if (error) path = config_file;
    name = std::format("{:016x}", text::fnv1a(path.string()));
  }
  return *directory / std::format("{}{}{}", kSocketPrefix, name, kSocketSuffix);
}

std::vector<fs::path> live_control_sockets() {
  std::vector<fs::path> sockets;
  const auto directory = runtime();
  if (!directory) return sockets;
  std::error_code error;
  for (fs::directory_iterator it(*directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kSocketPrefix) && name.ends_with(kSocketSuffix) && is_served(it->path())) {
      sockets.push_back(it->path());
    }
  }
  std::sort(sockets.begin(), sockets.end());
  return sockets;
}

}  // namespace gatehouse::directories
