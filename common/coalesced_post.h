// Something that a loop shall do once for all who ask for it before it does: like a Waker, but from other threads. A
// member of what those threads share; each task keeps that alive. Any thread.
#pragma once

#include <atomic>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

class CoalescedPost {
 public:
  // Runs `task` on the loop unless one is on its way there already. REQUIRES: `task` keeps the owner of this alive.
  template <class Task>
  void post(EventLoop& loop, Task task) {
    if (on_its_way_.exchange(true)) return;
    loop.post([this, task = std::move(task)]() mutable {
      // Before the task: what changes from then on asks for another one. And not store(): this sees what whoever asked
      // in vain has changed.
      on_its_way_.exchange(false);
      task();
    });
  }

 private:
  std::atomic<bool> on_its_way_{false};
};

}  // namespace gatehouse
