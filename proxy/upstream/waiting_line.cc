#include "proxy/upstream/waiting_line.h"

#include <algorithm>
#include <cassert>
#include <expected>
#include <utility>

#include "common/event_loop.h"
#include "proxy/upstream/upstream_pools.h"

namespace gatehouse {

PoolWaiter::~PoolWaiter() {
  if (line_ != nullptr) line_->unlink(*this);
}

void LineMailbox::ask_to_look(const std::shared_ptr<LineMailbox>& mailbox) {
  mailbox->look.post(mailbox->loop, [mailbox] {
    if (mailbox->line != nullptr) mailbox->line->look_for_permits();
  });
}

WaitingLine::WaitingLine(UpstreamPools& owner, std::shared_ptr<const Upstream> upstream)
    : owner_(owner),
      upstream_(std::move(upstream)),
      counters_(owner.counters(upstream_)),
      begin_(owner.loop(), [this] { begin(); }),
      timer_(owner.loop(), [this] { expire(); }) {}

WaitingLine::~WaitingLine() {
  assert(first_ == nullptr && mailbox_ == nullptr);
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

// A permit without a connection is of no use: others may have it.
void WaitingLine::receive(Permit permit) {
  assert(first_ != nullptr);
  if (!wants_room_ && owner_.has_room(upstream_, *permit.endpoint())) {
    hand_over(std::move(permit));
    return;
  }
  want_room(true);
  const Permit given_back = std::move(permit);
  owner_.look_again();
}

void WaitingLine::hand_over(Permit permit) {
  PoolWaiter& waiter = *first_;
  unlink(waiter);
  waiter.on_permit(std::move(permit));
}

// Whatever a limit leaves free is handed out by the endpoints, in turn over the workers.
void WaitingLine::begin() {
  if (first_ == nullptr) return;
  if (upstream_->options().max_requests == 0) {
    look_for_permits();
    return;
  }
  const NoPermit why = owner_.outlook(upstream_);
  if (why == NoPermit::kRefused) refuse_all();
  if (why == NoPermit::kComing) upstream_->membership().want();
}

// Called rarely, so that it takes every permit that it can get rather than be handed one after the other.
void WaitingLine::look_for_permits() {
  while (first_ != nullptr) {
    std::expected<Permit, NoPermit> permit = owner_.pick_permit(upstream_, first_->pick_request());
    want_room(!permit && permit.error() == NoPermit::kNoRoom);
    if (wants_room_) return;
    if (permit) {
      hand_over(*std::move(permit));
      continue;
    }
    if (permit.error() == NoPermit::kRefused) {
      refuse_all();
      return;
    }
    stand_at(owner_.set_of(upstream_));
    if (permit.error() == NoPermit::kComing) upstream_->membership().want();
    return;
  }
}

// What they do about it may put others in line, who are not refused before they have looked for themselves.
void WaitingLine::refuse_all() {
  const std::shared_ptr<const EndpointSet> set = owner_.set_of(upstream_);
  const PoolWaiter* const last = last_;
  for (bool more = true; more && first_ != nullptr;) {
    PoolWaiter& waiter = *first_;
    more = &waiter != last;
    unlink(waiter);
    waiter.on_refused(set->refusal);
  }
  if (first_ != nullptr) begin_.wake();
}

// In this order: an endpoint that comes after the look is one of a change that the mailbox is told of.
void WaitingLine::open() {
  mailbox_ = std::make_shared<LineMailbox>(owner_.loop(), upstream_->options().max_requests, this);
  upstream_->membership().join_line(mailbox_);
  stand_at(owner_.set_of(upstream_));
  begin_.wake();
}

void WaitingLine::close() {
  want_room(false);
  upstream_->membership().leave_line(mailbox_);
  leave_endpoints();
  mailbox_->line = nullptr;
  mailbox_.reset();
  begin_.cancel();
  owner_.forget(*this);
}

void WaitingLine::leave_endpoints() {
  if (!stands_at_) return;
  for (const EndpointSet::Member& member : stands_at_->members) member.endpoint->leave_line(mailbox_);
  stands_at_.reset();
}

void WaitingLine::want_room(bool wants) {
  if (wants) leave_endpoints();
  if (std::exchange(wants_room_, wants) != wants) owner_.line_wants_room(wants);
}

// Endpoints that are in both sets keep the mailbox, and the line its turn there.
void WaitingLine::stand_at(const std::shared_ptr<const EndpointSet>& set) {
  if (set == stands_at_) return;
  const auto has = [](const std::shared_ptr<const EndpointSet>& where, const EndpointSet::Member& member) {
    return where && std::ranges::contains(where->members, member.endpoint, &EndpointSet::Member::endpoint);
  };
  const std::shared_ptr<const EndpointSet> before = std::exchange(stands_at_, set);
  for (const EndpointSet::Member& member : set->members) {
    if (!has(before, member)) Endpoint::join_line(member.endpoint, mailbox_);
  }
  if (!before) return;
  for (const EndpointSet::Member& member : before->members) {
    if (!has(set, member)) member.endpoint->leave_line(mailbox_);
  }
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
    const NoPermit why = wants_room_ ? NoPermit::kNoRoom : NoPermit::kTaken;
    unlink(waiter);
    waiter.on_wait_timeout(why);
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
