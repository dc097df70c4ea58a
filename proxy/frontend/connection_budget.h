// How many client connections may be open: a count that workers share, of one listener, with the process's above it.
// A connection holds a Permit for its whole life. Counting is atomic (any thread); a Permit belongs to its connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace gatehouse {

class ConnectionBudget {
 public:
  // limit 0: none. `parent` is asked too.
  explicit ConnectionBudget(std::uint64_t limit, std::shared_ptr<ConnectionBudget> parent = nullptr)
      : limit_(limit), parent_(std::move(parent)) {}

  void set_limit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }  // after a reload
  std::uint64_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  friend class ConnectionPermit;
  bool take();
  void give_back();

  std::atomic<std::uint64_t> limit_;
  std::atomic<std::uint64_t> open_{0};
  std::shared_ptr<ConnectionBudget> parent_;
};

class ConnectionPermit {
 public:
  ConnectionPermit() = default;
  // With a null budget the permit is always granted.
  static ConnectionPermit request(const std::shared_ptr<ConnectionBudget>& budget);
  ConnectionPermit(ConnectionPermit&& other) noexcept
      : granted_(std::exchange(other.granted_, false)), budget_(std::move(other.budget_)) {}
  ConnectionPermit& operator=(ConnectionPermit&& other) noexcept;
  ~ConnectionPermit() { release(); }

  explicit operator bool() const { return granted_; }

 private:
  void release();

  bool granted_ = false;
  std::shared_ptr<ConnectionBudget> budget_;
};

}  // namespace gatehouse
