// Where an instance listens: a free port, a private Unix socket or a listening socket of ours, with the variables
// that tell the app. Owned by the Instance; removes what it has made. Control thread, but for the removal of a
// socket's folder, in which the app may have put anything: the FileThread of its user does that.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/app_view.h"
#include "proxy/apps/environment.h"
#include "proxy/apps/files/file_thread.h"
#include "proxy/system/user_identity.h"

namespace gatehouse {

// Listening sockets of one app that no living instance holds: kept over restarts, so that what stands in their backlog
// is answered by the next process. Two instances never share one, or requests to the one would reach the other.
using SpareListeners = std::vector<Fd>;

class ListenTarget {
 public:
  // What is to be prepared, for the time of the call.
  struct Wish {
    const AppSpec& spec;
    // Who spec.process.user is.
    const AppUser& user;
    InstanceId id;
    const std::string& runtime_directory;
    // Ports of other instances, which may not have bound them yet; they are not chosen.
    const std::vector<std::uint16_t>& taken_ports;
    // The thread of the app's user. It outlives the target.
    FileThread& files;
  };
  // Chooses or makes the place that the spec's transport asks for. With kInherit a socket is taken from `spares`, or
  // made if there is none. A port is only chosen: that nobody else binds it first is checked when the instance
  // listens.
  static Result<ListenTarget> prepare(const Wish& wish, SpareListeners& spares);

  ListenTarget() = default;
  ListenTarget(ListenTarget&&) = default;
  ListenTarget& operator=(ListenTarget&&) = default;
  ListenTarget(const ListenTarget&) = delete;
  ListenTarget& operator=(const ListenTarget&) = delete;
  ~ListenTarget();

  // The process with what "{port}" or "{socket}" stands for here in its arguments and variables.
  AppSpec::Process told(AppSpec::Process process) const;
  // Where requests are sent.
  const Address& address() const { return address_; }
  // The variables that tell the app; see AppTransport.
  const Environment& environment() const { return environment_; }
  // Set for a socket in a folder that the app's user can change, where that is not who we are: only this user may be
  // found listening there.
  std::optional<uid_t> listening_user() const { return listening_user_; }
  // The socket to hand over, or -1. The target keeps it.
  int listening() const { return listening_.get(); }
  // Gives the socket away, to be kept for the next instance; invalid if there is none.
  Fd take_listening() { return std::move(listening_); }

 private:
  Result<> choose_port(const Wish& wish);
  Result<> make_socket_folder(const Wish& wish);
  Result<> give_folder(const std::string& runtime_directory, const UserIdentity& user);
  Result<> listen_here(SpareListeners& spares);

  Address address_;
  Environment environment_;
  std::optional<uid_t> listening_user_;
  Fd listening_;
  // The folder of the Unix socket; an empty path: there is none to remove.
  struct Folder {
    std::string path{};
    std::string user{};
    FileThread* files = nullptr;
  } folder_;
};

}  // namespace gatehouse
