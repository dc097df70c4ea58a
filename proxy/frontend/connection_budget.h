// How many client connections may be open: a count that workers share, of one listener, with the process's above it;
// and how those that are full are helped. A connection holds a Permit for its whole life. Counting is atomic (any
// thread); a Permit belongs to its connection. The mutex is taken only while somebody finds no room.
//
// When there is none, the listener that has a client waiting (through its RoomMaker) takes back what it can of its own
// connections, then asks the other listeners and workers of the budget, one after the other; leaves the wish that so
// many connections end with their next answer; and is told when a permit comes back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "proxy/frontend/client_table.h"

namespace gatehouse {

class EventLoop;
class RoomMaker;

class ConnectionBudget {
 public:
  using Ptr = std::shared_ptr<ConnectionBudget>;

  // limit 0: none. `parent` is asked too.
  explicit ConnectionBudget(std::uint64_t limit, Ptr parent = nullptr)
      : limit_(limit), parent_(std::move(parent)), clients_(parent_ ? parent_->clients_ : nullptr) {}
  // One that stands above others, whose connections are counted by client too.
  ConnectionBudget(std::uint64_t limit, std::shared_ptr<ClientTable> clients)
      : limit_(limit), clients_(std::move(clients)) {}

  void set_limit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }  // after a reload
  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::uint64_t open() const { return open_.load(std::memory_order_relaxed); }

  // The first of `budget` and those above it that has no room left; null: all have, by now.
  static Ptr full_one(Ptr budget);
  static Ptr topmost(Ptr budget);

  // Whether one more newcomer would find a place if all those of before get theirs (ConnectionHope).
  static bool has_room_for_newcomer(Ptr budget);

  // By client; null: nobody asks.
  const std::shared_ptr<ClientTable>& clients() const { return clients_; }

  // True for so many connections as others wish to see closed: the caller ends with the answer that it begins, or goes
  // away in good order if it is idle.
  bool take_wish();

 private:
  friend class ConnectionPermit;
  friend class ConnectionHope;
  friend class RoomMaker;
  // A listener on its worker; `maker` is touched on the loop's thread only.
  struct Member {
    std::uint64_t id = 0;
    EventLoop* loop = nullptr;
    RoomMaker* maker = nullptr;
    bool waits = false;
  };
  // A request for room on its way from member to member.
  struct Round {
    std::uint64_t at = 0;    // who was asked last
    std::size_t left = 0;    // how many are still to be asked
    std::size_t wanted = 0;  // connections that are still to go
  };

  bool take();
  static void give_back(const Ptr& budget);

  void join(const Member& member);
  void leave(std::uint64_t id);
  void wait(std::uint64_t id);
  void wish(std::size_t connections) { wished_.store(connections, std::memory_order_relaxed); }
  static void ask_others(const Ptr& budget, std::uint64_t asker, std::size_t wanted);
  static void pass_on(const Ptr& budget, Round round);
  static void tell_waiting(const Ptr& budget);
  RoomMaker* find(std::uint64_t id);

  std::atomic<std::uint64_t> limit_;
  std::atomic<std::uint64_t> open_{0};
  std::atomic<std::uint64_t> hoped_for_{0};
  std::atomic<std::uint64_t> wished_{0};
  std::atomic<bool> somebody_waits_{false};
  const Ptr parent_;
  const std::shared_ptr<ClientTable> clients_;
  std::mutex mutex_;
  std::vector<Member> members_;  // by id, which only grows
};

// Somebody who will ask for a permit once the address is proven: no place is kept for it, because anybody can pretend
// to come; but whoever comes later is not let begin in vain. Counted for as long as this lives.
class ConnectionHope {
 public:
  ConnectionHope() = default;
  explicit ConnectionHope(ConnectionBudget::Ptr budget);
  ConnectionHope(ConnectionHope&& other) noexcept : budget_(std::move(other.budget_)) {}
  ConnectionHope& operator=(ConnectionHope&& other) noexcept {
    std::swap(budget_, other.budget_);
    return *this;
  }
  ~ConnectionHope();

 private:
  ConnectionBudget::Ptr budget_;
};

class ConnectionPermit {
 public:
  ConnectionPermit() = default;
  // With a null budget the permit is always granted.
  static ConnectionPermit request(const std::shared_ptr<ConnectionBudget>& budget);
  ConnectionPermit(ConnectionPermit&& other) noexcept
      : granted_(std::exchange(other.granted_, false)),
        budget_(std::move(other.budget_)),
        client_(std::move(other.client_)) {}
  ConnectionPermit& operator=(ConnectionPermit&& other) noexcept;
  ~ConnectionPermit() { release(); }

  explicit operator bool() const { return granted_; }
  // Whose it is, for as long as it lives.
  void count_for(ClientEntry client) { client_ = std::move(client); }

 private:
  void release();

  bool granted_ = false;
  std::shared_ptr<ConnectionBudget> budget_;
  ClientEntry client_;
};

}  // namespace gatehouse
