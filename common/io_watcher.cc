#include "common/io_watcher.h"

#include <cerrno>
#include <utility>

#include <event2/event.h>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/result.h"

namespace gatehouse {

namespace {

short events_of(IoWatcher::Interest interest) {
  constexpr short kReading = EV_READ | EV_CLOSED;
  const short reading = interest == IoWatcher::Interest::kBoth ? kReading : short{0};
  return static_cast<short>(reading | EV_WRITE | EV_ET | EV_PERSIST);
}

}  // namespace

IoWatcher::IoWatcher(EventLoop& loop, int fd, std::move_only_function<void(IoEvents)> ready, Interest interest)
    : loop_(loop),
      ready_(std::move(ready)),
      event_(event_new(loop.base(), fd, events_of(interest), &IoWatcher::on_event, this)) {
  // The owner's own timeout ends what will now never be called.
  if (!event_ || event_add(event_.get(), nullptr) != 0) {
    log::error("{}", system_failure("cannot watch a descriptor", errno).error().message);
  }
}

IoWatcher::~IoWatcher() = default;

void IoWatcher::EventDeleter::operator()(event* e) const {
  event_free(e);
}

void IoWatcher::on_event(int /*fd*/, short what, void* watcher) {
  auto& self = *static_cast<IoWatcher*>(watcher);
  EventLoop& loop = self.loop_;
  loop.note_time();
  self.ready_(
      {.readable = (what & EV_READ) != 0, .writable = (what & EV_WRITE) != 0, .closed = (what & EV_CLOSED) != 0});
  loop.event_handled();  // the watcher may be gone
}

}  // namespace gatehouse
