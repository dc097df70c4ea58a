// Who a process runs as: the numbers behind a user's name, looked up before the fork, because the look-up may use
// locks, memory and plug-ins, and not on a loop, because it may ask the network. Values, any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace gatehouse {

// One user, as the machine's user database has it.
struct UserIdentity {
  std::string name;
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
  // All groups, the one in `gid` included.
  std::vector<gid_t> groups;
};

// Who an app runs as; nothing if that is who we are.
using AppUser = std::optional<UserIdentity>;

// What a child has to become: nothing if `user` is empty or who we are. Another user needs root. Fails with ENOENT if
// there is no such user, with EPERM if we are not root. May take its time.
Result<AppUser> identity_to_take(const std::string& user);

}  // namespace gatehouse
