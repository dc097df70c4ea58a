// Tells its owner when a descriptor may be readable or writable again. Registered once, edge-triggered, as a rule for
// both directions: the owner must read or write until would-block before it can expect another call. Member of its
// owner, on the loop's thread; does not own the descriptor and must be destroyed before it is closed.
//
// A descriptor that is ready when it is registered is told as well. If it cannot be registered, that is logged as an
// error and no call ever comes: an owner that depends on one has a timeout.
#pragma once

#include <functional>
#include <memory>

struct event;

namespace gatehouse {

class EventLoop;

// At least one is set. An error of a socket shows as readable and writable: the next read or write returns it.
struct IoEvents {
  bool readable = false;
  bool writable = false;
  // The other side has shut down its sending half (EPOLLRDHUP); data may still be unread.
  bool closed = false;
};

class IoWatcher {
 public:
  enum class Interest : bool { kBoth, kWritable };

  // `ready` is called among the I/O events of a turn and may destroy the watcher. REQUIRES: `fd` can be watched (no
  // file on a disk), and by nobody else on this loop
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
