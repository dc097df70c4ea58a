// A control group (v2) for each instance, below our own, where the machine lets us make one: all that an instance
// starts is then known and killed at once. Where it does not let us, quietly nothing. Cgroups is a member of the
// AppContext, a Cgroup one of its Instance, which goes first; control thread.
//
//   our own group/
//     gatehouse-RANDOM/      made by Cgroups, locked while it is used, so that another Gatehouse leaves it alone
//       app-1/  app-2/ ...   one Cgroup for each instance, named by its id
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/fd.h"

namespace gatehouse {

// Where the v2 hierarchy is mounted; empty if nowhere.
std::string cgroup_mount_point();
// This process' own group in it, from the mount point on ("/system.slice/gatehouse.service"); empty if it is in none.
std::string own_cgroup();

// One instance's group; removed when it is destroyed, by when nothing may live in it. If something still dies there,
// Cgroups::sweep() removes it later.
class Cgroup {
 public:
  explicit Cgroup(std::string path) : path_(std::move(path)) {}
  Cgroup(Cgroup&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Cgroup& operator=(Cgroup&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  // Opened for writing: a process that writes "0" to it joins the group. Invalid if it cannot be opened.
  Fd open_procs() const;
  // Sends SIGKILL to all in the group. Nothing happens where the kernel cannot do that (before Linux 5.14).
  void kill() const;

 private:
  std::string path_;
};

// The folder of all groups of this process.
class Cgroups {
 public:
  // Kills and removes what a Gatehouse that was itself killed has left behind, then makes the folder.
  Cgroups();
  // Removes the folder, if all groups in it are empty.
  ~Cgroups();
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

  // Makes the group of one instance; nothing where the machine lets us make none.
  std::optional<Cgroup> make(std::uint64_t id) const;
  // Removes groups that still had dying processes when their instance ended. Called once a second.
  void sweep() const;
  // How many processes the kernel has killed for want of memory: in our group, or on the machine where groups do not
  // tell. Only a difference means something.
  std::uint64_t oom_kills() const;

 private:
  // Our own group's folder; empty: none.
  std::string own_;
  // Where the instances' groups are; empty: none can be made.
  std::string folder_;
  // The lock on folder_, which says that its groups are in use.
  Fd lock_;
};

}  // namespace gatehouse
