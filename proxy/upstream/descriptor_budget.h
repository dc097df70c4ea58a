// How many connections to endpoints the process may have, idle ones included, so that its descriptors last for clients,
// for files, and for every upstream. Made by the Server, which sets the limit; shared by all workers (shared_ptr), any
// thread. A permit is taken per connection, never per request.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/coalesced_post.h"

namespace gatehouse {

// Of two or more upstreams none can take everything: a quarter of the limit is kept for those that have less than their
// fair part of that quarter, so that an upstream always gets some connections however many others hold.
//
//   | ............ whoever comes ............ | . fair part . | . fair part . | ... |
//   0                                   3/4 limit                             limit
//
// The limit is soft. A worker asks has_room() first and takes a permit a moment later, or a second one while the
// connection that it replaces is not closed yet: what is kept back for files bears that.
//
// A worker that finds no room says so (wants_room), and everybody is told: others give up a connection that is idle, or
// the next one that would be, and whoever wants looks again with every permit that comes back.
//
//   worker A: has_room() is false --> wants_room() --post--> told() of every worker
//                                                              worker B: closes an idle connection
//   worker A: told(): has_room()? <--post-- ~Permit <------------+
class DescriptorBudget {
 public:
  // One upstream's connections: kept by whoever may open some, for as long as that is so.
  struct Share {
    std::atomic<std::uint64_t> open{0};
  };
  using SharePtr = std::shared_ptr<Share>;

  // The right to have a connection open. Gives itself back when destroyed, on any thread; where somebody wants room,
  // everybody is told then.
  class Permit {
   public:
    // A permit for nothing, which gives nothing back.
    Permit() = default;
    Permit(Permit&& other) noexcept : budget_(std::move(other.budget_)), share_(std::move(other.share_)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit();

   private:
    friend class DescriptorBudget;
    Permit(std::shared_ptr<DescriptorBudget> budget, SharePtr share);

    // Null: a permit for nothing.
    std::shared_ptr<DescriptorBudget> budget_;
    SharePtr share_;
  };

  // A worker: what is posted to its loop when connections are short.
  struct Mailbox {
    EventLoop& loop;
    // Called on the loop, any number of times, but once for all tellings that come before it runs. A task may still be
    // on its way after leave(): the worker sets this to null on its own thread, and nothing is called any more.
    std::function<void()> told;
    CoalescedPost telling = {};
  };

  // `limit` 0: none.
  explicit DescriptorBudget(std::size_t limit = 0) : limit_(limit) {}
  DescriptorBudget(const DescriptorBudget&) = delete;
  DescriptorBudget& operator=(const DescriptorBudget&) = delete;

  // Connections that are open beyond a lower limit stay open.
  void set_limit(std::size_t limit) { limit_.store(limit); }
  std::size_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }

  // The share of the upstream of that name, made if nobody has it. Takes a mutex: it is called once for each upstream
  // and each pool of a worker, which keep it.
  SharePtr share(std::string_view upstream);
  // Whether one connection more is within the limit and leaves the others their part.
  bool has_room(const Share& share) const;
  // Takes a permit whatever has_room() says.
  static Permit take(const std::shared_ptr<DescriptorBudget>& budget, const SharePtr& share);

  // A worker is told from now on, until it leaves. On return of leave() nothing is posted to the mailbox's loop any
  // more (what is posted already arrives).
  void join(const std::shared_ptr<Mailbox>& mailbox);
  void leave(const std::shared_ptr<Mailbox>& mailbox);

  // A line of requests has begun to wait for room: everybody is told. Each call is followed by one of wants_no_more().
  void wants_room();
  // The line has ceased to wait for room.
  void wants_no_more() { wanting_.fetch_sub(1); }
  // How many lines want room, of all workers.
  std::size_t wanting() const { return wanting_.load(); }

 private:
  void tell();

  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> wanting_{0};
  std::atomic<std::size_t> shares_known_{0};
  // Guards what follows; never taken per request.
  std::mutex mutex_;
  // Of upstreams that a worker knows; of those that none does any more until share() is called next.
  std::map<std::string, SharePtr> shares_;
  std::vector<std::shared_ptr<Mailbox>> mailboxes_;
};

}  // namespace gatehouse
