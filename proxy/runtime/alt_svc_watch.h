// Sees to it that Alt-Svc is the truth: tries the QUIC port of each listener that offers HTTP/3, asks how clients fare,
// and sets the listener's AltSvcState, with a line in the log for each change. Owned by the Rollout; the control
// thread's.
//
//   QuicProbe, one of a listener at a time --passed, failed--> AltSvcEvidence --> AltSvcState <-- workers, each answer
//   HandshakeTally of the workers ----------asked with each--------^
//
// The probes go round: each worker is addressed in turn, by a connection id with its number, and each way to the
// sockets (v4, v6) in its turn. One that fails is repeated until it passes or the listener is withdrawn, so that a
// single worker that does not read its socket is found out. A round takes kRound, or longer with very many workers, and
// what dies is known after another three times QuicProbe::kPatience at most: within 10 s together.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/runtime/snapshot.h"
#include "proxy/runtime/snapshot_builder.h"

namespace gatehouse {

class EventLoop;

class AltSvcWatch {
 public:
  static constexpr std::chrono::milliseconds kRound{2000};

  explicit AltSvcWatch(EventLoop& loop);
  ~AltSvcWatch();
  AltSvcWatch(const AltSvcWatch&) = delete;
  AltSvcWatch& operator=(const AltSvcWatch&) = delete;

  // The snapshot is in force: listeners that have come are tried from now on, and those that stay go on as they were.
  // What offers nothing any more, or has gone, is withdrawn.
  void adopt(const Snapshot& snapshot, const std::map<std::string, BoundListener>& bound);
  // The process takes its leave: all that was offered is withdrawn, and nothing is tried any more.
  void drain();

 private:
  class Listener;

  void offer(const ListenerSnapshot& listener, const BoundListener& bound);
  void withdraw(const std::string& name, std::string_view why);

  EventLoop& loop_;
  // By name.
  std::map<std::string, std::unique_ptr<Listener>> listeners_;
};

}  // namespace gatehouse
