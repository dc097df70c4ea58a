// How many client connections may be open: a count that workers share, of one listener, with the process's above it;
// and how those that are full are helped. Made by the SnapshotBuilder, one for the process and one for each
// listener's name, and kept across reloads; the admin page has one of its own. Shared by the ListenerContexts and
// permits that count on it. A connection holds a ConnectionPermit from when its client's address is proven until it
// has ended. Counting is atomic (any thread); a permit belongs to its connection. The mutex is taken only while
// somebody finds no room.
//
// When there is none, the listener that has a client waiting is helped through its RoomMaker:
//
//   want() --> make_room() among its own connections
//      |          too few?
//      +-----> a Round is posted from one member to the next: each closes what it can, all are asked once at most
//      +-----> wish(): as many connections end with their next answer, on any worker (take_wish())
//      +-----> wait(): the next permit that comes back is told by post (room_came()), once
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "proxy/frontend/client_table.h"

namespace gatehouse {

class EventLoop;
class RoomMaker;

// Where the limit of a budget comes from.
enum class ConnectionLimit : std::uint8_t {
  kListener,
  kProcess,
  // Nothing is configured, or more than the process may have open.
  kOpenFiles,
};

// Returns the key that sets it, or what else does, for logs and the status.
constexpr std::string_view label(ConnectionLimit limit) {
  constexpr std::string_view kLabels[] = {"the listener's max_connections", "limits.max_connections",
                                          "what the open files of the process allow"};
  return kLabels[static_cast<std::size_t>(limit)];
}

class ConnectionBudget {
 public:
  using Ptr = std::shared_ptr<ConnectionBudget>;

  // `limit` 0 means none. A permit counts here and on `parent` and all above it, and must find room on each.
  explicit ConnectionBudget(std::uint64_t limit, Ptr parent = nullptr)
      : limit_(limit), parent_(std::move(parent)), clients_(parent_ ? parent_->clients_ : nullptr) {}
  // One that stands above others, whose connections are counted by client too.
  ConnectionBudget(std::uint64_t limit, std::shared_ptr<ClientTable> clients)
      : limit_(limit), clients_(std::move(clients)) {}

  // For reloads. Connections beyond a lower limit stay; nobody new is let in until enough of them have ended.
  void set_limit(std::uint64_t limit, ConnectionLimit source) {
    limit_.store(limit, std::memory_order_relaxed);
    source_.store(source, std::memory_order_relaxed);
  }
  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  ConnectionLimit source() const { return source_.load(std::memory_order_relaxed); }
  // Permits that are out. One that is being refused counts for an instant too.
  std::uint64_t open() const { return open_.load(std::memory_order_relaxed); }

  // Returns the first of `budget` and those above it that has no room left; null: all have, by now.
  static Ptr full_one(Ptr budget);
  // Returns the one of `budget` and those above it that has least room left; null: none of them has a limit.
  static Ptr tightest(Ptr budget);
  // Returns the one that has none above it. Null only for null.
  static Ptr topmost(Ptr budget);

  // Returns whether one more newcomer would find room if all those of before get theirs (ConnectionHope).
  static bool has_room_for_newcomer(Ptr budget);

  // Those of the budget above, if there is one. Null: nobody counts by client.
  const std::shared_ptr<ClientTable>& clients() const { return clients_; }

  // Counts that somebody found no room here. Returns how often that was since the line that said so last, for the
  // caller to log the next one; nothing where that was less than ten seconds ago.
  std::optional<std::uint64_t> note_refusal(MonotonicTime now);

  // Returns true for so many callers as others wish to see connections closed, here or above: the caller ends with
  // the answer that it begins, or goes away in good order if it is idle.
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
    // It is told of the next permit that comes back, and is false then.
    bool waits = false;
  };
  // A request for room on its way from member to member, as a value that is posted.
  struct Round {
    // Who was asked last.
    std::uint64_t at = 0;
    // How many are still to be asked.
    std::size_t left = 0;
    // Connections that are still to go.
    std::size_t wanted = 0;
  };

  // Those that no line has told of yet.
  struct Refusals {
    std::atomic<std::uint64_t> count{0};
    // When the last line was written, on the monotonic clock; 0: there was none.
    std::atomic<Duration::rep> told_at{0};
  };

  // Counts one connection here and on all above, or on none.
  bool take();
  // Uncounts it, and tells those that wait.
  static void give_back(const Ptr& budget);

  // While it is joined the loop of the member lives.
  void join(const Member& member);
  void leave(std::uint64_t id);
  void wait(std::uint64_t id);
  // Replaces what was wished before.
  void wish(std::size_t connections) { wished_.store(connections, std::memory_order_relaxed); }
  // Asks every member but `asker`, until `wanted` connections have gone.
  static void ask_others(const Ptr& budget, std::uint64_t asker, std::size_t wanted);
  static void pass_on(const Ptr& budget, Round round);
  static void tell_waiting(const Ptr& budget);
  // Returns null if that member has left. What is returned is used on its own thread.
  RoomMaker* find(std::uint64_t id);

  std::atomic<std::uint64_t> limit_;
  std::atomic<std::uint64_t> open_{0};
  // Connections that have no permit yet and will ask for one.
  std::atomic<std::uint64_t> hoped_for_{0};
  // How many callers of take_wish() are still to be told yes.
  std::atomic<std::uint64_t> wished_{0};
  std::atomic<bool> somebody_waits_{false};
  std::atomic<ConnectionLimit> source_{ConnectionLimit::kListener};
  const Ptr parent_;
  const std::shared_ptr<ClientTable> clients_;
  Refusals refusals_;
  std::mutex mutex_;
  // By id, which only grows.
  std::vector<Member> members_;
};

// Somebody who will ask for a permit once the address is proven: no room is kept for it, because anybody can pretend
// to come; but whoever comes later is not let begin in vain. It counts, on the budget and all above, for as long as
// it lives.
class ConnectionHope {
 public:
  ConnectionHope() = default;
  // Null counts nowhere.
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

// The right to one connection, counted from request() until it is destroyed. False: not granted, or moved from.
class ConnectionPermit {
 public:
  ConnectionPermit() = default;
  // Returns a permit that is false if the budget, or one above it, has no room. With a null budget it is always
  // granted.
  static ConnectionPermit request(const std::shared_ptr<ConnectionBudget>& budget);
  ConnectionPermit(ConnectionPermit&& other) noexcept
      : granted_(std::exchange(other.granted_, false)),
        budget_(std::move(other.budget_)),
        client_(std::move(other.client_)) {}
  ConnectionPermit& operator=(ConnectionPermit&& other) noexcept;
  ~ConnectionPermit() { release(); }

  explicit operator bool() const { return granted_; }
  // The client has one connection more for as long as the permit lives.
  void count_for(ClientEntry client) { client_ = std::move(client); }

 private:
  void release();

  bool granted_ = false;
  std::shared_ptr<ConnectionBudget> budget_;
  ClientEntry client_;
};

}  // namespace gatehouse
