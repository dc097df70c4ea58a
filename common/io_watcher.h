// Tells its owner when a descriptor may be readable or writable again. Registered once, edge-triggered, as a rule for
// both directions: the owner must read or write until would-block before it can expect another call. Member of its
// owner, on the loop's thread; does not own the descriptor and must be destroyed before it is closed.
#pragma once

#include <functional>
#include <memory>

struct event;

namespace gatehouse {

class EventLoop;

struct IoEvents {
  bool readable = false;
  bool writable = false;
  bool closed = false;  // the other side has shut down its sending half (EPOLLRDHUP); data may still be unread
};

class IoWatcher {
 public:
  enum class Interest : bool { kBoth, kWritable };

  IoWatcher(EventLoop& loop, int fd, std::move_only_function<void(IoEvents)> ready,
            Interest interest = Interest::kBoth);
  ~IoWatcher();
  IoWatcher(const IoWatcher&) = delete;
  IoWatcher& operator=(const IoWatcher&) = delete;

 private:
  struct EventDeleter {
    void operator()(event* e) const;
  };
  static void on_event(int fd, short what, void* watcher);

  EventLoop& loop_;
  std::move_only_function<void(IoEvents)> ready_;
  std::unique_ptr<event, EventDeleter> event_;
};

}  // namespace gatehouse
