// Sockets that whoever started us has opened already and hands over (sd_listen_fds(3): LISTEN_FDS, LISTEN_PID), so that
// ports stay open while we restart and binding them needs no rights of ours. Kept open for the life of the process:
// listeners get duplicates, so one that goes and comes back with a reload finds its socket again. Owned by the Server;
// its thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/fd.h"

namespace gatehouse {

class InheritedSockets {
 public:
  enum class Kind : std::uint8_t { kStream, kDatagram };
  // An address that something of ours serves.
  struct Use {
    Address address;
    Kind kind;
  };

  // Holds none, as where nothing was handed over.
  InheritedSockets() = default;

  // What the environment says was handed over, with descriptors from `first` on. The variables are taken away and the
  // descriptors closed in children: nothing of it reaches an app. What cannot be used is logged and left open. Empty
  // if LISTEN_PID is somebody else's. REQUIRES: no other thread runs yet.
  static InheritedSockets take(int first = 3);

  // True if at least one of them serves `address`.
  bool has(const Address& address, Kind kind) const;
  // Duplicates of all that serve `address`; one for every address (":443") is served by sockets of both families.
  // They are non-blocking and close-on-exec. Empty if there is none.
  std::vector<Fd> copies(const Address& address, Kind kind) const;

  // Those that none of the uses wants, each once, as "udp [::]:443".
  std::vector<std::string> unwanted_by(const std::vector<Use>& uses) const;

  bool empty() const { return sockets_.empty(); }

 private:
  struct Inherited {
    Fd socket;
    Kind kind;
    Address address;

    bool serves(const Address& wanted, Kind wanted_kind) const;
  };
  void add(int fd, const std::string& name);

  std::vector<Inherited> sockets_;
};

}  // namespace gatehouse
