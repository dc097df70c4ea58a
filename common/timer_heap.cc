#include "common/timer_heap.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "common/timer.h"

namespace gatehouse {

namespace {

constexpr std::size_t kArity = 4;
// Marks a slot as an index of due_ rather than of the heap.
constexpr std::size_t kDue = std::size_t{1} << 62;
// Likewise, of at_once_.
constexpr std::size_t kAtOnce = std::size_t{1} << 61;

thread_local TimerDisorder* disorder = nullptr;

}  // namespace

void TimerHeap::enqueue(Timer& timer, MonotonicTime now) {
  const Entry entry{.at = timer.deadline_, .timer = &timer};
  if (timer.slot_ == Timer::kNotQueued && entry.at <= now) {
    timer.slot_ = kAtOnce | at_once_.size();
    at_once_.push_back(&timer);
  } else if (timer.slot_ == Timer::kNotQueued) {
    timer.queued_at_ = entry.at;
    heap_.push_back(entry);
    sift_up(heap_.size() - 1, entry);
  } else if ((timer.slot_ & (kDue | kAtOnce)) == 0 && entry.at < timer.queued_at_) {
    timer.queued_at_ = entry.at;
    sift_up(timer.slot_, entry);
  }
}

void TimerHeap::remove(Timer& timer) {
  if (timer.slot_ == Timer::kNotQueued) return;
  if ((timer.slot_ & kDue) != 0) {
    due_[timer.slot_ & ~kDue] = nullptr;
  } else if ((timer.slot_ & kAtOnce) != 0) {
    Timer* const last = at_once_.back();
    at_once_[timer.slot_ & ~kAtOnce] = last;
    last->slot_ = timer.slot_;
    at_once_.pop_back();
  } else {
    remove_at(timer.slot_);
  }
  timer.slot_ = Timer::kNotQueued;
}

void TimerHeap::run_due(MonotonicTime now) {
  collect_due(now);
  if (disorder != nullptr) shuffle_due();
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Timer* timer = due_[i];
    if (timer == nullptr) continue;
    timer->slot_ = Timer::kNotQueued;
    if (timer->deadline_ > now) {  // disarmed or pushed on by one that ran before it
      if (timer->armed()) enqueue(*timer, now);
      continue;
    }
    timer->disarm();
    timer->expired_();
  }
  due_.clear();
}

void TimerHeap::collect_due(MonotonicTime now) {
  for (Timer* const timer : at_once_) sort_in(*timer, now);  // none of them stands there again: what is due is due
  at_once_.clear();
  while (!heap_.empty() && heap_.front().at <= now) {
    Timer& timer = *heap_.front().timer;
    remove_at(0);
    sort_in(timer, now);
  }
}

void TimerHeap::sort_in(Timer& timer, MonotonicTime now) {
  timer.slot_ = Timer::kNotQueued;
  if (timer.deadline_ <= now) {
    timer.slot_ = kDue | due_.size();
    due_.push_back(&timer);
  } else if (timer.armed()) {
    enqueue(timer, now);
  }
}

void TimerHeap::shuffle_due() {
  for (std::size_t left = due_.size(); left > 1; --left) {
    std::swap(due_[left - 1], due_[static_cast<std::size_t>(disorder->random_() % left)]);
  }
  for (std::size_t i = 0; i < due_.size(); ++i) due_[i]->slot_ = kDue | i;
}

void TimerHeap::remove_at(std::size_t slot) {
  const Entry moved = heap_.back();
  heap_.pop_back();
  if (slot == heap_.size()) return;
  if (slot > 0 && moved.at < heap_[(slot - 1) / kArity].at) {
    sift_up(slot, moved);
  } else {
    sift_down(slot, moved);
  }
}

void TimerHeap::sift_up(std::size_t slot, Entry entry) {
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / kArity;
    if (heap_[parent].at <= entry.at) break;
    put(slot, heap_[parent]);
    slot = parent;
  }
  put(slot, entry);
}

void TimerHeap::sift_down(std::size_t slot, Entry entry) {
  while (true) {
    const std::size_t first_child = slot * kArity + 1;
    if (first_child >= heap_.size()) break;
    const std::size_t end = std::min(first_child + kArity, heap_.size());
    std::size_t least = first_child;
    for (std::size_t child = first_child + 1; child < end; ++child) {
      if (heap_[child].at < heap_[least].at) least = child;
    }
    if (entry.at <= heap_[least].at) break;
    put(slot, heap_[least]);
    slot = least;
  }
  put(slot, entry);
}

void TimerHeap::put(std::size_t slot, Entry entry) {
  heap_[slot] = entry;
  entry.timer->slot_ = slot;
}

TimerDisorder::TimerDisorder(std::uint64_t seed) : random_(seed) {
  assert(disorder == nullptr);
  disorder = this;
}

TimerDisorder::~TimerDisorder() {
  disorder = nullptr;
}

}  // namespace gatehouse
