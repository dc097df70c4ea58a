// Single flight: of many requests for what is not stored one goes to the endpoint, and the others wait for what it
// brings; over all workers. Those who wait share only what has been stored: as soon as it is known that nothing will be,
// all of them go on at once, and for a while nobody waits for that key. Any thread; a Seat is its exchange's.
//
//   take_seat() --first--> leads --settle(kStored)-------> waiters look again
//        |                   |----settle(kNotStored)-----> waiters go on, each for itself; alone for kCoolFor
//        |                   +----destroyed -------------> the waiter who came first leads
//        +--others--> waits (told once, by a post to its loop)
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"

namespace gatehouse {
class EventLoop;
}

namespace gatehouse::cache {

class Flights {
  struct Flight;
  struct Waiter;
  struct Shard;

 public:
  static constexpr std::chrono::seconds kCoolFor{5};
  // Keys that cool, of a shard: the oldest goes first.
  static constexpr std::size_t kMostCooling = 1024;

  // What becomes of who waits.
  enum class Outcome : std::uint8_t {
    // It is stored.
    kStored,
    // Nothing is, or not soon.
    kNotStored,
    // There was no response but an error.
    kFailed,
    // Who asked has gone: this one leads.
    kLeads,
  };

  // One exchange's part in a flight. Destroying it is always right; a leader that has not settled hands on.
  class Seat {
   public:
    Seat(Flights& flights, std::shared_ptr<Flight> flight, std::shared_ptr<Waiter> waiter);
    ~Seat();
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    // Whether it leads now; one that waits may come to.
    bool leads() const;
    // REQUIRES: leads(). Does nothing the second time.
    void settle(Outcome outcome, MonotonicTime now);

   private:
    Flights& flights_;
    const std::shared_ptr<Flight> flight_;
    // What it waits with; null: it leads from the beginning.
    const std::shared_ptr<Waiter> waiter_;
    bool settled_ = false;
  };

  Flights() = default;
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;

  // Returns null where nobody waits for that key now. `told` is called at most once, from `loop` and never from within:
  // for a seat that leads from the beginning not at all. REQUIRES: the caller is on the loop's thread, and destroys the
  // seat there, before the loop.
  std::unique_ptr<Seat> take_seat(const std::string& key, EventLoop& loop, std::move_only_function<void(Outcome)> told);
  // Who waits now, of all keys.
  std::size_t waiting() const;

 private:
  static constexpr std::size_t kShards = 32;
  struct Waiter {
    Waiter(EventLoop& its_loop, std::move_only_function<void(Outcome)> call) : loop(its_loop), told(std::move(call)) {}
    EventLoop& loop;
    // The loop's thread alone; empty: told, or gone.
    std::move_only_function<void(Outcome)> told;
  };
  // Guarded by the mutex of its shard.
  struct Flight {
    std::string key;
    // Null: the one who took the first seat.
    std::shared_ptr<Waiter> leader;
    std::deque<std::shared_ptr<Waiter>> waiters;
    bool over = false;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<Flight>> flying;
    std::map<std::string, MonotonicTime> cooling;
    // In the order in which they end.
    std::deque<std::pair<MonotonicTime, std::string>> ends;

    bool is_cooling(const std::string& key, MonotonicTime now);
    void cool(const std::string& key, MonotonicTime until);
  };

  Shard& shard_of(const std::string& key);
  void settle(Flight& flight, Outcome outcome, MonotonicTime now);
  void leave(Flight& flight, const std::shared_ptr<Waiter>& waiter, bool settled);
  static void tell(const std::shared_ptr<Waiter>& waiter, Outcome outcome);

  std::array<Shard, kShards> shards_;
};

}  // namespace gatehouse::cache
