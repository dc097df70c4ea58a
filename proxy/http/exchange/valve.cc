#include "proxy/http/exchange/valve.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/event_loop.h"
#include "proxy/http/exchange/body_pipe.h"

namespace gatehouse {

namespace {

// So often it is looked whether others have left who stood before.
constexpr std::chrono::milliseconds kLook{250};

}  // namespace

Valve::Valve(EventLoop& loop, BodyPipe& pipe, Throttle& throttle)
    : loop_(loop), pipe_(pipe), throttle_(throttle), timer_(loop, [this] { open(); }) {
  pipe_.set_valve(this);
}

Valve::~Valve() {
  pipe_.set_valve(nullptr);
  drop();
}

Duration Valve::waited() const {
  return timer_.armed() ? waited_ + (loop_.now() - waiting_since_) : waited_;
}

void Valve::hold(Buffer bytes) {
  held_.append(std::move(bytes));
  if (!timer_.armed()) open();
}

void Valve::drop() {
  if (reserved_ > 0) throttle_.give_back(std::exchange(reserved_, 0));
  held_.clear();
  end_place();
}

void Valve::end_place() {
  waited_ = waited();
  timer_.disarm();
}

void Valve::open() {
  const MonotonicTime now = loop_.now();
  // The timer is disarmed when it calls.
  if (reserved_ > 0) {
    waited_ += now - waiting_since_;
    begins_ = throttle_.moved_up(reserved_, begins_);
  }
  while (!held_.empty()) {
    if (reserved_ == 0) {
      reserved_ = std::min(held_.size(), throttle_.quantum());
      begins_ = throttle_.reserve(reserved_, now);
    }
    if (begins_ > now + Throttle::kAhead) {
      waiting_since_ = now;
      return timer_.arm_at(std::min<MonotonicTime>(begins_, now + kLook));
    }
    pipe_.let_through(held_.split(std::exchange(reserved_, 0)));
  }
}

}  // namespace gatehouse
