// The life of one process as a table, and nothing else: what each event means in each state. Pure; Instance carries
// the actions out.
//
//               ready               drain               idle, deadline             exited
//   starting ----------> ready ---------------> draining ---------------> stopping --------> stopped
//      |                   ^                       |                       ^    |  ^
//      |                   +-------- resume -------+                       |    +--+ deadline: kill again
//      +--- failed, deadline: kill;  drain: terminate ---------------------+
//
// A process may end in every state: kExited leads from each of them to stopped. Events that mean nothing in a state
// change nothing.
#pragma once

#include <cstdint>

#include "proxy/apps/app_view.h"

namespace gatehouse {

enum class ProcessEvent : std::uint8_t {
  // It listens, answers and is warm.
  kReady,
  // It will not get ready: somebody else listens where it was told to.
  kFailed,
  // It shall go.
  kDrain,
  // It shall stay after all.
  kResume,
  // Nothing is in flight there any more.
  kIdle,
  // The time of this state is over: start_timeout, drain_timeout, stop_timeout, or the second between two kills.
  kDeadline,
  // It has ended, asked or not.
  kExited,
};

enum class ProcessAction : std::uint8_t {
  kNone,
  // It takes requests from now on.
  kAnnounce,
  // It takes no new requests; those in flight are waited for.
  kDrain,
  // It is asked to end.
  kTerminate,
  // It is ended, and all that it has started.
  kKill,
  // It is no more.
  kFinish,
};

struct ProcessStep {
  InstanceState next;
  ProcessAction action;
  friend bool operator==(const ProcessStep&, const ProcessStep&) = default;
};

// What `event` leads to in `state`.
ProcessStep process_step(InstanceState state, ProcessEvent event);

}  // namespace gatehouse
