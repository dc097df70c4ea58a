#include "proxy/apps/app_process.h"

namespace gatehouse {

namespace {

using State = InstanceState;
using Event = ProcessEvent;
using Action = ProcessAction;

ProcessStep when_starting(Event event) {
  switch (event) {
    case Event::kReady:
      return {State::kReady, Action::kAnnounce};
    case Event::kFailed:
    case Event::kDeadline:
      return {State::kStopping, Action::kKill};
    case Event::kDrain:  // it has no requests yet
      return {State::kStopping, Action::kTerminate};
    case Event::kExited:
      return {State::kStopped, Action::kFinish};
    case Event::kResume:
    case Event::kIdle:
      break;
  }
  return {State::kStarting, Action::kNone};
}

ProcessStep when_ready(Event event) {
  switch (event) {
    case Event::kDrain:
      return {State::kDraining, Action::kDrain};
    case Event::kExited:
      return {State::kStopped, Action::kFinish};
    case Event::kReady:
    case Event::kFailed:
    case Event::kResume:
    case Event::kIdle:
    case Event::kDeadline:
      break;
  }
  return {State::kReady, Action::kNone};
}

ProcessStep when_draining(Event event) {
  switch (event) {
    case Event::kIdle:
    case Event::kDeadline:
      return {State::kStopping, Action::kTerminate};
    case Event::kResume:
      return {State::kReady, Action::kAnnounce};
    case Event::kExited:
      return {State::kStopped, Action::kFinish};
    case Event::kReady:
    case Event::kFailed:
    case Event::kDrain:
      break;
  }
  return {State::kDraining, Action::kNone};
}

ProcessStep when_stopping(Event event) {
  switch (event) {
    case Event::kDeadline:
      return {State::kStopping, Action::kKill};
    case Event::kExited:
      return {State::kStopped, Action::kFinish};
    case Event::kReady:
    case Event::kFailed:
    case Event::kDrain:
    case Event::kResume:
    case Event::kIdle:
      break;
  }
  return {State::kStopping, Action::kNone};
}

}  // namespace

ProcessStep process_step(InstanceState state, ProcessEvent event) {
  switch (state) {
    case State::kStarting:
      return when_starting(event);
    case State::kReady:
      return when_ready(event);
    case State::kDraining:
      return when_draining(event);
    case State::kStopping:
      return when_stopping(event);
    case State::kStopped:
      break;
  }
  return {State::kStopped, Action::kNone};
}

}  // namespace gatehouse
