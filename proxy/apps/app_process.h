// The life of one process as a table, and nothing else: what each event means in each state. Pure; Instance carries the
// actions out.
//
//  starting --ready--> ready --drain--> draining --idle or deadline--> stopping --exited--> stopped
//     | failed, deadline: kill            |  ^ resume                     | deadline: kill again
//     | drain: stop                       +--+ (ready)                    |
//     +-------------------------------------------------------------------+
//
// A process may end in every state.
#pragma once

#include <cstdint>

#include "proxy/apps/app_view.h"

namespace gatehouse {

enum class ProcessEvent : std::uint8_t {
  kReady,     // it listens, answers and is warm
  kFailed,    // it will not get ready: not ours that listens
  kDrain,     // it shall go
  kResume,    // it shall stay after all
  kIdle,      // nothing is in flight there any more
  kDeadline,  // the time of this state is over
  kExited,
};

enum class ProcessAction : std::uint8_t {
  kNone,
  kAnnounce,   // it takes requests from now on
  kDrain,      // it takes no new requests; wait for those in flight
  kTerminate,  // ask it to end
  kKill,       // end it and all that it has started
  kFinish,     // it is no more
};

struct ProcessStep {
  InstanceState next;
  ProcessAction action;
  friend bool operator==(const ProcessStep&, const ProcessStep&) = default;
};

ProcessStep process_step(InstanceState state, ProcessEvent event);

}  // namespace gatehouse
