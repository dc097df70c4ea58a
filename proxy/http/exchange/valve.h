// Holds what is written to a pipe until its route's throttle lets it through, some of it at a time. Its reader sees what
// has passed and, behind that, the end; its writer has room as if nothing were held back, so that an upload is slowed by
// the window or the socket that is not read, and an answer by the endpoint's. Member of an exchange whose route has a
// bandwidth; destroyed before the pipe is used without it; one loop's thread.
//
//   BodyWriter --hold()--> held | place in time | --let_through()--> BodyReader
#pragma once

#include <cstddef>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/timer.h"
#include "proxy/http/exchange/throttle.h"

namespace gatehouse {

class BodyPipe;
class EventLoop;

class Valve {
 public:
  // What is in the pipe by now is held as well. All three outlive it.
  Valve(EventLoop& loop, BodyPipe& pipe, Throttle& throttle);
  ~Valve();
  Valve(const Valve&) = delete;
  Valve& operator=(const Valve&) = delete;

  // For how long something has waited for its place, until now.
  Duration waited() const;

  // --- the pipe ---

  void hold(Buffer bytes);
  std::size_t held() const { return held_.size(); }
  // Nobody wants them any more.
  void drop();

 private:
  // Lets through what may pass by now.
  void open();
  void end_place();

  EventLoop& loop_;
  BodyPipe& pipe_;
  Throttle& throttle_;
  Buffer held_;
  // Bytes of `held_` that have a place in time; 0: none have.
  std::size_t reserved_ = 0;
  MonotonicTime begins_{};
  // Since when the first of them wait, and how long others did before.
  MonotonicTime waiting_since_{};
  Duration waited_{};
  Timer timer_;
};

}  // namespace gatehouse
