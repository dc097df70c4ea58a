#include "proxy/system/user_identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>

namespace gatehouse {

Result<AppUser> identity_to_take(const std::string& user) {
  if (user.empty()) return std::nullopt;
  std::vector<char> memory(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  const int code = ::getpwnam_r(user.c_str(), &entry, memory.data(), memory.size(), &found);
  if (code != 0) return system_failure("cannot look up the user " + user, code);
  if (found == nullptr) return failure("there is no user " + user, ENOENT);
  if (entry.pw_uid == ::geteuid()) return std::nullopt;
  if (::geteuid() != 0) return failure("only root can become another user (" + user + ")", EPERM);
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), entry.pw_gid, groups.data(), &count) < 0) {  // count is now what it needs
    groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(user.c_str(), entry.pw_gid, groups.data(), &count);
  }
  groups.resize(static_cast<std::size_t>(count));
  return UserIdentity{
      .name = user, .home = entry.pw_dir, .uid = entry.pw_uid, .gid = entry.pw_gid, .groups = std::move(groups)};
}

}  // namespace gatehouse
