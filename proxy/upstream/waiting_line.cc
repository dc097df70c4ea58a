#include "proxy/upstream/waiting_line.h"

#include <cassert>
#include <expected>
#include <utility>

#include "common/event_loop.h"
#include "proxy/upstream/pool.h"

namespace gatehouse {

PoolWaiter::~PoolWaiter() {
  if (line_ != nullptr) line_->unlink(*this);
}

WaitingLine::WaitingLine(UpstreamPools& owner, std::shared_ptr<const Upstream> upstream)
    : owner_(owner),
      upstream_(std::move(upstream)),
      counters_(owner.counters(upstream_->name())),
      timer_(owner.loop(), [this] { expire(); }) {}

WaitingLine::~WaitingLine() {
  assert(first_ == nullptr && door_ == nullptr);
}

void WaitingLine::join(PoolWaiter& waiter) {
  assert(!waiter.waiting());
  waiter.line_ = this;
  waiter.since_ = owner_.loop().now();
  waiter.ahead_ = last_;
  waiter.behind_ = nullptr;
  (last_ != nullptr ? last_->behind_ : first_) = &waiter;
  last_ = &waiter;
  counters_.waiting.add();
  if (first_ != &waiter) return;
  set_timer();
  open();
}

void WaitingLine::receive(Place place) {
  assert(first_ != nullptr);
  PoolWaiter& waiter = *first_;
  unlink(waiter);
  waiter.on_place(std::move(place));
}

// Called rarely, so that it takes every place that it can get rather than be handed one after the other.
void WaitingLine::look_for_places() {
  while (first_ != nullptr) {
    std::expected<Place, Fault> place = owner_.pick_place(*upstream_, {});
    if (!place) return;
    receive(*std::move(place));
  }
}

void WaitingLine::open() {
  door_ = std::make_shared<LineDoor>(owner_.loop(), upstream_->options().max_requests, this);
  for (const std::shared_ptr<Endpoint>& endpoint : upstream_->endpoints()) Endpoint::join_line(endpoint, door_);
}

void WaitingLine::close() {
  for (const std::shared_ptr<Endpoint>& endpoint : upstream_->endpoints()) endpoint->leave_line(door_);
  door_->line = nullptr;
  door_.reset();
  owner_.forget(*this);
}

void WaitingLine::unlink(PoolWaiter& waiter) {
  const bool was_first = first_ == &waiter;
  (waiter.ahead_ != nullptr ? waiter.ahead_->behind_ : first_) = waiter.behind_;
  (waiter.behind_ != nullptr ? waiter.behind_->ahead_ : last_) = waiter.ahead_;
  waiter.line_ = nullptr;
  waiter.ahead_ = nullptr;
  waiter.behind_ = nullptr;
  counters_.waiting.subtract();
  upstream_->end_wait();
  if (was_first) set_timer();
  if (first_ == nullptr) close();
}

// The line stays until the end of the turn even if a waiter's answer to the call empties it.
void WaitingLine::expire() {
  const MonotonicTime now = owner_.loop().now();
  while (first_ != nullptr && first_->since_ + upstream_->options().queue_timeout <= now) {
    PoolWaiter& waiter = *first_;
    unlink(waiter);
    waiter.on_wait_timeout();
  }
  set_timer();
}

void WaitingLine::set_timer() {
  if (first_ == nullptr) {
    timer_.disarm();
  } else {
    timer_.arm_at(first_->since_ + upstream_->options().queue_timeout);
  }
}

}  // namespace gatehouse
