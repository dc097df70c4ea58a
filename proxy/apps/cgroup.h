// A control group (v2) for each instance, below our own, where the machine lets us make one: all that an instance
// starts is then known and killed at once. Where it does not let us, quietly nothing. Owned by AppHost; control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/fd.h"
#include "proxy/apps/app_view.h"

namespace gatehouse {

// Where the v2 hierarchy is mounted; empty if nowhere.
std::string cgroup_mount_point();
// This process' own group in it, from its mount point on; empty if it is in none.
std::string own_cgroup();

// One instance's group; removed when it is destroyed, by when nothing may live in it.
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

  Fd open_procs() const;  // write "0" to it to join
  void kill() const;

 private:
  std::string path_;
};

class Cgroups {
 public:
  Cgroups();
  ~Cgroups();
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

  std::optional<Cgroup> make(InstanceId id) const;
  void sweep() const;  // removes groups that still had dying processes when their instance ended
  // How many processes the kernel has killed for want of memory: in our group, or on the machine where groups do not
  // tell.
  std::uint64_t oom_kills() const;

 private:
  std::string own_;     // our own group's folder; empty: none
  std::string folder_;  // where the instances' groups are; empty: none can be made
  Fd lock_;             // of folder_: its groups are in use
};

}  // namespace gatehouse
