// What an app's configuration has run when something happens to it. One run of each kind at a time; of what happens
// meanwhile a few wait for their turn, in order, and the rest is dropped, counted and logged. The app neither waits for
// a run nor asks how it went; what runs when this is destroyed is killed. Member of an App; control thread.
//
//   happened --> waiting (kMostWaiting) --> HookRun, one of each kind --> take_ended
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/apps/app_context.h"
#include "proxy/apps/app_spec.h"
#include "proxy/apps/hook_run.h"

namespace gatehouse {

class AppHooks {
 public:
  // Of each kind.
  static constexpr std::size_t kMostWaiting = 8;

  // `context` outlives it.
  explicit AppHooks(AppContext& context) : context_(context) {}
  AppHooks(const AppHooks&) = delete;
  AppHooks& operator=(const AppHooks&) = delete;

  // Runs what `spec` has for it, if it has something. Never blocks.
  void happened(const std::shared_ptr<const AppSpec>& spec, HookOccasion occasion);
  // What is over since the last call, in order. The context is woken when there is something.
  std::vector<app_event::HookEnded> take_ended() { return std::exchange(ended_, {}); }

 private:
  struct Waiting {
    std::shared_ptr<const AppSpec> spec;
    HookOccasion occasion;
  };
  struct Lane {
    std::unique_ptr<HookRun> running;
    std::deque<Waiting> waiting;
  };

  Lane& lane_of(AppHook hook) { return lanes_[static_cast<std::size_t>(hook)]; }
  void run(Waiting next);
  void note(const AppSpec& spec, AppHook hook, HookResult result);

  AppContext& context_;
  std::array<Lane, kAppHookCount> lanes_;
  std::vector<app_event::HookEnded> ended_;
};

}  // namespace gatehouse
