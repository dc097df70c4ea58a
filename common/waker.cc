#include "common/waker.h"

#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

Waker::Waker(EventLoop& loop, std::move_only_function<void()> run, Phase phase)
    : loop_(loop), run_(std::move(run)), phase_(phase) {}

void Waker::wake() {
  if (queued_) return;
  queued_ = true;
  EventLoop::WokenList& list = phase_ == Phase::kProgress ? loop_.progress_ : loop_.flush_;
  next_ = list.resume;
  previous_ = next_ != nullptr ? next_->previous_ : list.last;
  (previous_ != nullptr ? previous_->next_ : list.first) = this;
  (next_ != nullptr ? next_->previous_ : list.last) = this;
}

void Waker::cancel() {
  if (!queued_) return;
  queued_ = false;
  EventLoop::WokenList& list = phase_ == Phase::kProgress ? loop_.progress_ : loop_.flush_;
  if (list.resume == this) list.resume = next_;
  (previous_ != nullptr ? previous_->next_ : list.first) = next_;
  (next_ != nullptr ? next_->previous_ : list.last) = previous_;
  previous_ = nullptr;
  next_ = nullptr;
}

}  // namespace gatehouse
