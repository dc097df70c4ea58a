// The sockets of all listeners, bound on the control thread for every worker before any worker hears of them, so that a
// new configuration is taken over as a whole or not at all. Remembers what is bound; the descriptors go to the workers.
// Owned by the Rollout; the control thread's.
//
//                           each worker gets
//   TCP                     a socket of its own (SO_REUSEPORT)
//   Unix                    a duplicate of the one socket
//   TCP, Unix, inherited    a duplicate of each socket that was handed over
//   UDP (QUIC)              a socket of its own
//   UDP, inherited          the same while there are enough; the others a duplicate that they only send by (QuicGroup)
//
// A listener that goes may stand where a new one wants to: 127.0.0.1:80 becomes :80, or the other way round. Both are
// bound for a while then. The kernel brings whoever comes to the more particular address:
//
//   127.0.0.1:80 -> :80     the new listener takes the old one's TCP sockets over, and keeps them (BoundListener::inherited)
//   :80 -> 127.0.0.1:80     the old TCP sockets are closed a moment later, when nobody is half way to them (Worker)
//   UDP, both ways          each passes on what is the other's (Worker::pass_on())
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
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
  // The name of the listener.
  std::string listener;
  Fd socket;
  // Null: a listening socket.
  std::shared_ptr<QuicGroup> group;
};

// Socket files that are ours: they are removed with it.
class SocketFiles {
 public:
  SocketFiles() = default;
  SocketFiles(SocketFiles&& other) noexcept : paths_(std::exchange(other.paths_, {})) {}
  SocketFiles& operator=(SocketFiles&& other) = delete;
  ~SocketFiles() { keep({}); }

  void add(std::string path) { paths_.insert(std::move(path)); }
  // Takes over all of the other's.
  void take(SocketFiles& other) { paths_.merge(std::exchange(other.paths_, {})); }
  // Removes those that are not among these.
  void keep(const std::set<std::string>& paths);

 private:
  std::set<std::string> paths_;
};

class ListenerSockets {
 public:
  // Takes from `inherited`, which outlives it, what a listener wants, and binds the rest.
  ListenerSockets(std::size_t workers, const InheritedSockets& inherited) : workers_(workers), inherited_(inherited) {}
  ListenerSockets(const ListenerSockets&) = delete;
  ListenerSockets& operator=(const ListenerSockets&) = delete;

  // What a snapshot needs besides what is bound already. Unless it is committed, all of it is closed and removed with it.
  struct Plan {
    // Of each worker, by its index.
    std::vector<std::vector<WorkerSocket>> sockets;
    // All of the snapshot's listeners, by name, with those that were bound before.
    std::map<std::string, BoundListener> listeners;
    // Sentences about UDP that could not be had where TCP could: h3 is off there.
    std::vector<std::string> warnings;
    SocketFiles files;
    // What is bound of listeners on TCP that the snapshot does not have any more. Good until commit().
    std::vector<const BoundListener*> leaving;
  };
  // Fails if a TCP or Unix socket cannot be bound, or UDP of a listener that speaks h3 only.
  Result<Plan> bind(const Snapshot& snapshot) const;

  // The plan's listeners are now those that exist: socket files of others are removed. The sockets of listeners that
  // are gone are closed by the workers that have them.
  void commit(const Snapshot& snapshot, Plan& plan);

 private:
  Result<> bind_listener(const ListenerSnapshot& listener, Plan& plan) const;
  Result<std::uint16_t> bind_tcp(const ListenerSnapshot& listener, Plan& plan) const;
  // Those of TCP that the snapshot does not have any more.
  std::vector<const BoundListener*> leaving(const Snapshot& snapshot) const;
  // Notes whose sockets the plan's listeners take over.
  static void inherit(Plan& plan);
  Result<std::uint16_t> bind_for_workers(const ListenerSnapshot& listener, const Address& address, Plan& plan) const;
  using Groups = std::vector<std::shared_ptr<QuicGroup>>;
  Result<Groups> bind_quic(const ListenerSnapshot& listener, std::uint16_t port, Plan& plan) const;
  Result<> share(const ListenerSnapshot& listener, const Fd& socket, Plan& plan) const;
  // Whether there is a socket file, which is ours to remove.
  bool has_file(const ListenerSnapshot& listener) const;
  void hand_out(const ListenerSnapshot& listener, QuicGroup::Binding binding, Plan& plan) const;

  const std::size_t workers_;
  const InheritedSockets& inherited_;
  // By listener name.
  std::map<std::string, BoundListener> bound_;
  SocketFiles files_;
};

}  // namespace gatehouse
