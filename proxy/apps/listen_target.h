// Where an instance listens: a free port, a private Unix socket or a listening socket of ours, with the variables that
// tell the app. Owned by the Instance; removes what it has made. Control thread.
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
  struct Wish {
    const AppSpec& spec;
    const AppUser& user;  // of spec.process.user
    InstanceId id;
    const std::string& runtime_directory;
    const std::vector<std::uint16_t>& taken_ports;  // given to instances that may not listen yet
    FileThread& files;                              // of the app's user; outlives the target
  };
  static Result<ListenTarget> prepare(const Wish& wish, SpareListeners& spares);

  ListenTarget() = default;
  ListenTarget(ListenTarget&&) = default;
  ListenTarget& operator=(ListenTarget&&) = default;
  ListenTarget(const ListenTarget&) = delete;
  ListenTarget& operator=(const ListenTarget&) = delete;
  ~ListenTarget();

  const Address& address() const { return address_; }
  const Environment& environment() const { return environment_; }
  // Of a socket in a folder that the app's user can change, where that is not who we are: who must be found there.
  std::optional<uid_t> listening_user() const { return listening_user_; }
  int listening() const { return listening_.get(); }  // to hand over, or -1
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
  struct Folder {  // of the Unix socket
    std::string path{};
    std::string user{};
    FileThread* files = nullptr;
  } folder_;
};

}  // namespace gatehouse
