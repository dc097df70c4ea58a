// The Unix socket where processes register what is reserved for their users. Anybody may connect (mode 0666); who it is
// the kernel says (SO_PEERCRED, SO_PEERGROUPS), and whoever has nothing reserved is told so and let go. Each line gets
// one in return, in order; what a connection has registered is gone when it ends. Owned by the Rollout; the control
// thread's.
//
//   client:  register https://shop.example.com/orders/ 127.0.0.1:5001\n
//   server:  ok\n                                    every worker routes it
//   client:  release https://shop.example.com/orders/\n
//   server:  ok\n                                    nothing is in flight there, and nothing will be
//   server:  failed WHY\n                            in place of ok: nothing has changed
//   server:  revoked https://shop.example.com/orders/\n    at any time: its reservation is gone
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/fd.h"
#include "common/io_watcher.h"
#include "common/result.h"
#include "proxy/discovery/registrations.h"

namespace gatehouse {

class EventLoop;

class RegistrationSocket {
  struct Private {};

 public:
  // Connections at a time: of one user, and of all together.
  static constexpr std::size_t kMostOfUser = 64;
  static constexpr std::size_t kMost = 512;
  // What open() has made.
  struct Bound {
    std::filesystem::path path;
    Fd listening;
  };

  // Listens at `path`; a socket that nobody answers any more is replaced, one that somebody does is an error.
  // `registrations` outlives it.
  static Result<std::unique_ptr<RegistrationSocket>> open(EventLoop& loop, const std::filesystem::path& path,
                                                          Registrations& registrations);
  RegistrationSocket(Private /*only_open_makes_one*/, EventLoop& loop, Bound bound, Registrations& registrations);
  // Removes the socket's file, and ends all connections with what they have registered.
  ~RegistrationSocket();
  RegistrationSocket(const RegistrationSocket&) = delete;
  RegistrationSocket& operator=(const RegistrationSocket&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  class Client;

  void accept();
  std::string why_not(const Registrant& who) const;
  void end(Client& client);

  EventLoop& loop_;
  Registrations& registrations_;
  const std::filesystem::path path_;
  Fd listening_;
  std::vector<std::unique_ptr<Client>> clients_;
  IoWatcher watcher_;
};

}  // namespace gatehouse
