// The sockets of all listeners, bound on the control thread for every worker before any worker hears of them, so that a
// new configuration is taken over as a whole or not at all. Remembers what is bound; the descriptors go to the workers.
// Owned by the Server; its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/fd.h"
#include "common/result.h"
#include "proxy/frontend/quic/quic_group.h"
#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"
#include "proxy/system/inherited_sockets.h"

namespace gatehouse {

// For one worker: a listening TCP or Unix socket, or a UDP socket with the group that it belongs to.
struct WorkerSocket {
  std::string listener;
  Fd socket;
  std::shared_ptr<QuicGroup> group;  // null: TCP
};

class ListenerSockets {
 public:
  // Takes from `inherited`, which outlives it, what a listener wants, and binds the rest.
  ListenerSockets(std::size_t workers, const InheritedSockets& inherited) : workers_(workers), inherited_(inherited) {}
  ~ListenerSockets();
  ListenerSockets(const ListenerSockets&) = delete;
  ListenerSockets& operator=(const ListenerSockets&) = delete;

  // What a snapshot needs besides what is bound already. To be committed: there may be socket files by now.
  struct Plan {
    std::vector<std::vector<WorkerSocket>> sockets;  // of each worker
    std::map<std::string, BoundListener> listeners;  // all of the snapshot's
    std::vector<std::string> warnings;               // UDP that could not be had
  };
  // On failure everything that was bound for it is closed and removed again.
  Result<Plan> bind(const Snapshot& snapshot) const;

  // The plan's listeners are now those that exist.
  void commit(const Snapshot& snapshot, const Plan& plan);

 private:
  Result<> bind_listener(const ListenerSnapshot& listener, Plan& plan) const;
  Result<std::uint16_t> bind_tcp(const ListenerSnapshot& listener, Plan& plan) const;
  Result<> bind_quic(const ListenerSnapshot& listener, std::uint16_t port, Plan& plan) const;
  Result<> share(const ListenerSnapshot& listener, const Fd& socket, Plan& plan) const;
  bool has_file(const ListenerSnapshot& listener) const;  // a socket file of ours to remove
  void hand_out(const ListenerSnapshot& listener, QuicGroup::Binding binding, Plan& plan) const;

  const std::size_t workers_;
  const InheritedSockets& inherited_;
  std::map<std::string, BoundListener> bound_;
  std::set<std::string> unix_paths_;
};

}  // namespace gatehouse
