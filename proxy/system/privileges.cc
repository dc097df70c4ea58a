#include "proxy/system/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "common/crypto/secret_memory.h"
#include "common/log.h"
#include "proxy/system/directories.h"
#include "proxy/system/user_identity.h"

namespace gatehouse::privileges {
namespace {

namespace fs = std::filesystem;

// Only what we have made as root; never through a link, which may lead anywhere.
void hand_over(const fs::path& path, const UserIdentity& to) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || status.st_uid != 0 || S_ISLNK(status.st_mode)) return;
  if (lchown(path.c_str(), to.uid, to.gid) != 0) {
    log::warn("{}", system_failure("cannot give " + path.string() + " to the user " + to.name, errno).error().message);
  }
}

// A folder that was made for this service alone, and says so; the usual ones may hold other instances' sockets.
void hand_over_folder(const char* variable, const UserIdentity& to) {
  const char* folder = std::getenv(variable);
  if (folder == nullptr || *folder != '/') return;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    hand_over(at->path(), to);
  }
  hand_over(folder, to);
}

bool is_file(const std::string& output) {
  return output.starts_with('/');
}

void hand_over_files(const Options& options, const UserIdentity& to) {
  hand_over_folder("RUNTIME_DIRECTORY", to);
  hand_over_folder("STATE_DIRECTORY", to);
  if (const auto usual = directories::control_socket(options.configuration)) hand_over(*usual, to);
  if (!options.control.empty()) hand_over(options.control, to);
  for (const std::string& output : options.logs) {
    if (is_file(output)) hand_over(output, to);
  }
}

// Of the calling thread, which is the one that binds.
bool keep_only_binding() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  constexpr std::uint32_t kBind = 1U << CAP_NET_BIND_SERVICE;
  const std::array<__user_cap_data_struct, 2> wanted{{{.effective = kBind, .permitted = kBind, .inheritable = 0}, {}}};
  if (syscall(SYS_capset, &header, wanted.data()) == 0) return true;
  const std::array<__user_cap_data_struct, 2> none{};
  syscall(SYS_capset, &header, none.data());
  return false;
}

// The C library makes all threads change.
Result<> become(const UserIdentity& user) {
  const std::string what = "cannot become the user " + user.name;
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (setgroups(user.groups.size(), user.groups.data()) != 0) return system_failure(what + " (its groups)", errno);
  if (setresgid(user.gid, user.gid, user.gid) != 0) return system_failure(what + " (its group)", errno);
  if (setresuid(user.uid, user.uid, user.uid) != 0) return system_failure(what, errno);
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  if (!keep_only_binding()) log::info("as {}, a reload cannot bind ports below 1024", user.name);
  secret_memory::close_to_others();
  // For apps, which get them from here. Nobody else reads the environment now.
  setenv("HOME", user.home.c_str(), 1);
  setenv("USER", user.name.c_str(), 1);
  setenv("LOGNAME", user.name.c_str(), 1);
  return {};
}

void tell_what_is_out_of_reach(const Options& options) {
  const auto needs = [&](const std::string& path, int mode, const char* what) {
    if (path.empty() || access(path.c_str(), mode) == 0) return;
    log::warn("the user {} {}: {}: {}", options.user, what, path, std::generic_category().message(errno));
  };
  needs(options.configuration, R_OK, "cannot read the configuration, so that no reload will work");
  for (const Options::CertificateFiles& files : options.certificates) {
    needs(files.certificate, R_OK, "cannot read a certificate, so that no reload will work");
    needs(files.private_key, R_OK, "cannot read a private key, so that no reload will work");
    needs(files.passphrase, R_OK, "cannot read a passphrase, so that no reload will work");
  }
  for (const std::string& output : options.logs) {
    if (is_file(output)) needs(output, W_OK, "cannot open a log again");
  }
}

}  // namespace

Result<> drop(const Options& options) {
  const auto identity = identity_to_take(options.user);
  if (!identity) return std::unexpected(identity.error());
  if (!*identity) return {};  // who we are already
  hand_over_files(options, **identity);
  if (auto done = become(**identity); !done) return done;
  log::info("continues as the user {}", options.user);
  tell_what_is_out_of_reach(options);
  return {};
}

}  // namespace gatehouse::privileges
