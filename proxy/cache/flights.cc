#include "proxy/cache/flights.h"

#include <algorithm>

#include "common/event_loop.h"

namespace gatehouse::cache {

Flights::Seat::Seat(Flights& flights, std::shared_ptr<Flight> flight, std::shared_ptr<Waiter> waiter)
    : flights_(flights), flight_(std::move(flight)), waiter_(std::move(waiter)) {}

Flights::Seat::~Seat() {
  if (waiter_) waiter_->told = nullptr;
  flights_.leave(*flight_, waiter_, settled_);
}

bool Flights::Seat::leads() const {
  const std::lock_guard lock(flights_.shard_of(flight_->key).mutex);
  return flight_->leader == waiter_;
}

void Flights::Seat::settle(Outcome outcome, MonotonicTime now) {
  if (std::exchange(settled_, true)) return;
  flights_.settle(*flight_, outcome, now);
}

bool Flights::Shard::is_cooling(const std::string& key, MonotonicTime now) {
  while (!ends.empty() && (ends.front().first <= now || ends.size() > kMostCooling)) {
    cooling.erase(ends.front().second);
    ends.pop_front();
  }
  return cooling.contains(key);
}

void Flights::Shard::cool(const std::string& key, MonotonicTime until) {
  if (cooling.emplace(key, until).second) ends.emplace_back(until, key);
}

Flights::Shard& Flights::shard_of(const std::string& key) {
  return shards_[std::hash<std::string>{}(key) % kShards];
}

std::unique_ptr<Flights::Seat> Flights::take_seat(const std::string& key, EventLoop& loop,
                                                  std::move_only_function<void(Outcome)> told) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.is_cooling(key, loop.now())) return nullptr;
  std::shared_ptr<Flight>& flight = shard.flying[key];
  if (!flight) {
    flight = std::make_shared<Flight>();
    flight->key = key;
    return std::make_unique<Seat>(*this, flight, nullptr);
  }
  auto waiter = std::make_shared<Waiter>(loop, std::move(told));
  flight->waiters.push_back(waiter);
  return std::make_unique<Seat>(*this, flight, std::move(waiter));
}

void Flights::settle(Flight& flight, Outcome outcome, MonotonicTime now) {
  Shard& shard = shard_of(flight.key);
  const std::lock_guard lock(shard.mutex);
  if (flight.over) return;
  flight.over = true;
  if (outcome != Outcome::kStored) shard.cool(flight.key, now + kCoolFor);
  for (const auto& waiter : flight.waiters) tell(waiter, outcome);
  flight.waiters.clear();
  shard.flying.erase(flight.key);
}

void Flights::leave(Flight& flight, const std::shared_ptr<Waiter>& waiter, bool settled) {
  Shard& shard = shard_of(flight.key);
  const std::lock_guard lock(shard.mutex);
  if (settled || flight.over) return;
  if (flight.leader != waiter) {
    std::erase(flight.waiters, waiter);
    return;
  }
  if (flight.waiters.empty()) {
    flight.over = true;
    shard.flying.erase(flight.key);
    return;
  }
  flight.leader = std::move(flight.waiters.front());
  flight.waiters.pop_front();
  tell(flight.leader, Outcome::kLeads);
}

// Who is in the list has a seat, which its loop outlives; once posted, the loop keeps or drops the task.
void Flights::tell(const std::shared_ptr<Waiter>& waiter, Outcome outcome) {
  waiter->loop.post([waiter, outcome] {
    if (waiter->told) std::exchange(waiter->told, nullptr)(outcome);
  });
}

std::size_t Flights::waiting() const {
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [key, flight] : shard.flying) count += flight->waiters.size();
  }
  return count;
}

}  // namespace gatehouse::cache
