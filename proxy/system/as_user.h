// For its lifetime the calling thread reaches files as another user does: with that user's number, group and further
// groups and without the rights of root, so that a link that the user has made leads nowhere but where the user could
// go too. Of this thread alone (setfsuid(2)); threads beside it stay who they are, and since only the ids of the file
// system change, that user may neither signal nor trace the thread. Any thread, but never one of a loop: what is then
// opened may take its time.
#pragma once

#include <linux/capability.h>

#include <array>
#include <vector>

#include "common/result.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

class AsUser {
 public:
  // Takes all of the identity or fails, and then nothing of the user's may be opened. Needs root, so it also fails
  // while this thread acts as somebody already.
  static Result<AsUser> take(const UserIdentity& user);

  AsUser(AsUser&& other) noexcept;
  AsUser& operator=(AsUser&&) = delete;
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;
  // Gives the rights back. Ends the process where the thread cannot become who it was. REQUIRES: the thread that took
  // them.
  ~AsUser();

 private:
  // Who the thread was.
  struct Before {
    std::vector<gid_t> groups{};
    // As of capset(2).
    std::array<__user_cap_data_struct, 2> rights{};
  };
  explicit AsUser(Before before) : before_(std::move(before)), taken_(true) {}
  static void go_back(const Before& before);

  Before before_;
  bool taken_ = false;
};

}  // namespace gatehouse
