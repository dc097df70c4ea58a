#include "config/users.h"

#include <grp.h>
#include <pwd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <format>
#include <vector>

#include "config/quoting.h"

namespace gatehouse::config {

namespace {
constexpr std::size_t kEnough = 16384;  // for an entry; a group of many members wants more
constexpr std::size_t kMostOfGroup = 1UL << 22U;
}  // namespace

Result<uid_t> uid_of(const std::string& name) {
  std::array<char, kEnough> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const int failed = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return entry.pw_uid;
  const std::string text = std::format("there is no user {}", in_quotes(name));
  return failed == 0 ? failure(text) : system_failure(text, failed);
}

Result<gid_t> gid_of(const std::string& name) {
  std::vector<char> buffer(kEnough);
  group entry{};
  group* found = nullptr;
  int failed = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  while (failed == ERANGE && buffer.size() < kMostOfGroup) {
    buffer.resize(2 * buffer.size());
    failed = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  }
  if (found != nullptr) return entry.gr_gid;
  const std::string text = std::format("there is no group {}", in_quotes(name));
  return failed == 0 ? failure(text) : system_failure(text, failed);
}

}  // namespace gatehouse::config
