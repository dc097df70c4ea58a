#include "proxy/apps/app_view.h"

namespace gatehouse {

std::string_view label(InstanceState state) {
  switch (state) {
    case InstanceState::kStarting:
      return "starting";
    case InstanceState::kReady:
      return "ready";
    case InstanceState::kDraining:
      return "draining";
    case InstanceState::kStopping:
      return "stopping";
    case InstanceState::kStopped:
      return "stopped";
  }
  return "stopped";
}

std::string_view label(AppState state) {
  switch (state) {
    case AppState::kStopped:
      return "stopped";
    case AppState::kStarting:
      return "starting";
    case AppState::kServing:
      return "serving";
    case AppState::kBackoff:
      return "backoff";
    case AppState::kParked:
      return "parked";
    case AppState::kOffline:
      return "offline";
  }
  return "stopped";
}

std::string_view label(AppHook hook) {
  switch (hook) {
    case AppHook::kStarted:
      return "started";
    case AppHook::kFailed:
      return "failed";
    case AppHook::kRecycled:
      break;
  }
  return "recycled";
}

std::string_view label(HookResult result) {
  switch (result) {
    case HookResult::kOk:
      return "ok";
    case HookResult::kFailed:
      return "failed";
    case HookResult::kTimeout:
      return "timeout";
    case HookResult::kDropped:
      break;
  }
  return "dropped";
}

}  // namespace gatehouse
