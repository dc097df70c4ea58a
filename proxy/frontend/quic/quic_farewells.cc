#include "proxy/frontend/quic/quic_farewells.h"

#include <algorithm>
#include <utility>

#include "common/event_loop.h"

namespace gatehouse {

QuicFarewells::QuicFarewells(EventLoop& loop, QuicIdHash hash)
    : loop_(loop), by_id_(0, hash), sweep_(loop, [this] { sweep(); }) {}

void QuicFarewells::add(QuicFarewell farewell) {
  if (ended_.size() >= kMost) forget(ended_.begin());
  const Position ended = ended_.insert(ended_.end(), Ended{.farewell = std::move(farewell)});
  for (const QuicId& id : ended->farewell.ids) by_id_.insert_or_assign(id, ended);
  if (ended->farewell.until >= sweep_at_) return;
  sweep_at_ = ended->farewell.until;
  sweep_.arm_at(sweep_at_);
}

bool QuicFarewells::knows(const QuicId& id) const {
  return !by_id_.empty() && by_id_.contains(id);
}

std::span<const std::uint8_t> QuicFarewells::packet_for(const QuicId& id) {
  Ended& ended = *by_id_.find(id)->second;
  if (++ended.received < ended.repeat_at) return {};
  ended.repeat_at *= 2;
  return ended.farewell.packet;
}

void QuicFarewells::clear() {
  by_id_.clear();
  ended_.clear();
  sweep_at_ = MonotonicTime::max();
  sweep_.disarm();
}

QuicFarewells::Position QuicFarewells::forget(Position ended) {
  for (const QuicId& id : ended->farewell.ids) {
    // A client may have chosen the same first id twice.
    if (const auto known = by_id_.find(id); known != by_id_.end() && known->second == ended) by_id_.erase(known);
  }
  return ended_.erase(ended);
}

void QuicFarewells::sweep() {
  const MonotonicTime now = loop_.now();
  sweep_at_ = MonotonicTime::max();
  for (Position ended = ended_.begin(); ended != ended_.end();) {
    if (ended->farewell.until <= now) {
      ended = forget(ended);
    } else {
      sweep_at_ = std::min(sweep_at_, ended++->farewell.until);
    }
  }
  sweep_.arm_at(sweep_at_);
}

}  // namespace gatehouse
