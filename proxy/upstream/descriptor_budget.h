// How many connections to endpoints the process may have, idle ones included, so that its descriptors last for clients,
// for files, and for every upstream. Shared by all workers (shared_ptr), any thread; nothing is taken or asked per
// request, only per connection.
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

namespace gatehouse {

class EventLoop;

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
class DescriptorBudget {
 public:
  // One upstream's connections: kept by whoever may open some, for as long as that is so.
  struct Share {
    std::atomic<std::uint64_t> open{0};
  };
  using SharePtr = std::shared_ptr<Share>;

  // The right to have a connection open. Gives itself back when destroyed.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : budget_(std::move(other.budget_)), share_(std::move(other.share_)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit();

   private:
    friend class DescriptorBudget;
    Permit(std::shared_ptr<DescriptorBudget> budget, SharePtr share);

    std::shared_ptr<DescriptorBudget> budget_;  // null: a permit for nothing
    SharePtr share_;
  };

  // A worker: what is posted to its loop when connections are short.
  struct Mailbox {
    EventLoop& loop;
    std::function<void()> told;  // on the loop; not after leave()
    std::atomic<bool> on_its_way{false};
  };

  explicit DescriptorBudget(std::size_t limit = 0) : limit_(limit) {}  // 0: none
  DescriptorBudget(const DescriptorBudget&) = delete;
  DescriptorBudget& operator=(const DescriptorBudget&) = delete;

  void set_limit(std::size_t limit) { limit_.store(limit); }
  std::size_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }

  // The one of that name. Takes a mutex: once for each upstream and worker.
  SharePtr share(std::string_view upstream);
  bool has_room(const Share& share) const;
  // Whatever has_room() says.
  static Permit take(const std::shared_ptr<DescriptorBudget>& budget, const SharePtr& share);

  // For workers. On return of leave() nothing is posted to the mailbox's loop any more (what is posted already
  // arrives).
  void join(const std::shared_ptr<Mailbox>& mailbox);
  void leave(const std::shared_ptr<Mailbox>& mailbox);

  // A line of requests has begun, or ceased, to wait for room. Everybody is told of the first.
  void wants_room();
  void wants_no_more() { wanting_.fetch_sub(1); }
  std::size_t wanting() const { return wanting_.load(); }

 private:
  void tell();

  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> wanting_{0};
  std::atomic<std::size_t> shares_known_{0};
  std::mutex mutex_;  // what follows; never per request
  // Of upstreams that a worker knows; of those that none does any more until share() is called next.
  std::map<std::string, SharePtr> shares_;
  std::vector<std::shared_ptr<Mailbox>> mailboxes_;
};

}  // namespace gatehouse
