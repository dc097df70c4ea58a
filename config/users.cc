#include "config/users.h"

#include <pwd.h>

#include <array>
#include <cstddef>
#include <format>

#include "config/quoting.h"

namespace gatehouse::config {

Result<uid_t> uid_of(const std::string& name) {
  constexpr std::size_t kEnough = 16384;
  std::array<char, kEnough> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const int failed = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return entry.pw_uid;
  const std::string text = std::format("there is no user {}", in_quotes(name));
  return failed == 0 ? failure(text) : system_failure(text, failed);
}

}  // namespace gatehouse::config
