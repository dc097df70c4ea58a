#include "proxy/system/as_user.h"

#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace gatehouse {

namespace {

// The system lets a change of these ids decide anew whether the process may leave a core behind, for all of it. What it
// was is set again, and nobody else may look in between.
class DumpableKept {
 public:
  DumpableKept() : lock_(mutex()), before_(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) {}
  ~DumpableKept() {
    if (before_ == 0 || before_ == 1) ::prctl(PR_SET_DUMPABLE, before_, 0, 0, 0);
  }
  DumpableKept(const DumpableKept&) = delete;
  DumpableKept& operator=(const DumpableKept&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }

  std::scoped_lock<std::mutex> lock_;
  int before_;
};

// The raw call changes the calling thread; the C library's would change all threads.
bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// These calls return the id of before, whether or not they have changed it.
bool set_ids(uid_t uid, gid_t gid) {
  ::setfsgid(gid);
  ::setfsuid(uid);
  constexpr auto kNobody = static_cast<uid_t>(-1);  // refused: only asks
  return static_cast<uid_t>(::setfsuid(kNobody)) == uid && static_cast<gid_t>(::setfsgid(kNobody)) == gid;
}

bool exchange_rights(std::array<__user_cap_data_struct, 2>& rights, int call) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(call, &header, rights.data()) == 0;
}

}  // namespace

void AsUser::go_back(const Before& before) {
  std::array<__user_cap_data_struct, 2> rights = before.rights;
  const bool back =
      set_ids(::geteuid(), ::getegid()) && exchange_rights(rights, SYS_capset) && set_groups(before.groups);
  if (!back) std::abort();
}

Result<AsUser> AsUser::take(const UserIdentity& user) {
  const std::string what = "cannot reach files as the user " + user.name;
  Before before;
  const int count = ::getgroups(0, nullptr);
  before.groups.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  if (count < 0 || ::getgroups(count, before.groups.data()) != count) return system_failure(what, errno);
  if (!exchange_rights(before.rights, SYS_capget)) return system_failure(what, errno);
  const DumpableKept kept;
  if (!set_groups(user.groups)) return system_failure(what + " (its groups)", errno);
  // The change of the id takes the rights over files away, but not where the machine was told otherwise.
  std::array<__user_cap_data_struct, 2> none = before.rights;
  for (__user_cap_data_struct& word : none) word.effective = 0;
  if (!set_ids(user.uid, user.gid) || !exchange_rights(none, SYS_capset)) {
    go_back(before);
    return failure(what, EPERM);
  }
  return AsUser(std::move(before));
}

AsUser::AsUser(AsUser&& other) noexcept
    : before_(std::move(other.before_)), taken_(std::exchange(other.taken_, false)) {}

AsUser::~AsUser() {
  if (!taken_) return;
  const DumpableKept kept;
  go_back(before_);
}

}  // namespace gatehouse
