// One address that answers requests, as one upstream knows it. Const or atomic only: every worker shares it
// (shared_ptr) and any thread may call anything. It outlives reloads: the registry of the server keeps one for each
// pair of upstream and address, so pools and counts stay with it.
//
// A Permit is the right to have one request in flight at an endpoint. Where the number of permits is limited, requests
// may wait in lines (waiting_line.h), one for each worker and upstream. A permit that becomes free while somebody waits
// is handed to a waiting worker by EventLoop::post, each in turn, and nobody new takes it before: no worker starves.
// (Without a limit there is nothing to hand out: all who wait are told to look.)
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/clock.h"

namespace gatehouse {

class Endpoint;
struct LineMailbox;

// Gives itself back when destroyed, on any thread.
class Permit {
 public:
  // Nothing if `limit` requests are in flight already; 0: no limit.
  static std::optional<Permit> take(std::shared_ptr<Endpoint> endpoint, std::uint32_t limit);

  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { give_back(); }

  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }

 private:
  explicit Permit(std::shared_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}
  void give_back();

  std::shared_ptr<Endpoint> endpoint_;  // null: moved from
};

// Why no balancer may choose an endpoint, each set and taken back by who knows.
enum class Obstacle : std::uint8_t {
  kNotServing = 1,  // it is going: its process drains, or its configuration or its name's address is gone
  kUnhealthy = 2,   // active checks fail
  kEjected = 4,     // requests failed there, one after the other
  kUnchecked = 16,  // it is to be checked first, and has not passed yet
  kLost = 8,        // an app's process refused a connection: for a moment, until who watches it has seen to that
};

class Endpoint {
 public:
  struct Identity {
    std::string upstream;
    Address address;
    std::string name{};       // in logs and metrics: "127.0.0.1:5000", "unix:/run/shop.sock", "web#0"; "": the address
    std::string authority{};  // for Host; "": the address, "localhost" for Unix sockets
    int pid = 0;              // of the app's process; 0: none of ours
    std::string pairing_token{};  // for MS-ASPNETCORE-TOKEN on every request; never logged
    // Who alone may listen at a Unix socket that its user can replace; nothing: whoever does.
    std::optional<uid_t> listening_user{};
  };

  explicit Endpoint(Identity identity);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& upstream() const { return identity_.upstream; }
  const Address& address() const { return identity_.address; }
  const std::string& name() const { return identity_.name; }
  const std::string& authority() const { return identity_.authority; }
  int pid() const { return identity_.pid; }
  const std::string& pairing_token() const { return identity_.pairing_token; }
  std::optional<uid_t> listening_user() const { return identity_.listening_user; }

  std::uint32_t in_flight() const { return in_flight_.load(); }
  bool has_free_permit(std::uint32_t limit) const { return limit == 0 || in_flight() < limit; }

  // Whether balancers may choose it: nothing is in the way.
  bool available() const { return obstacles_.load(std::memory_order_relaxed) == 0; }
  bool has(Obstacle obstacle) const {
    return (obstacles_.load(std::memory_order_relaxed) & static_cast<std::uint8_t>(obstacle)) != 0;
  }
  // Only what is known of its answers is in the way: better than nothing where no endpoint is available.
  bool usable_in_panic() const {
    return !has(Obstacle::kNotServing) && !has(Obstacle::kUnchecked) && !has(Obstacle::kLost);
  }
  // After set(kNotServing), in_flight() == 0 means that no request is there and none will come: a request that takes a
  // permit looks again afterwards.
  void set(Obstacle obstacle);
  void joined();                  // others served before it: slow start begins
  void clear(Obstacle obstacle);  // those who wait for an endpoint are told; slow start begins when nothing is left

  // Requests so far. In a row without success: what outlier detection counts.
  std::uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }
  std::uint32_t failures_in_row() const { return failures_in_row_.load(std::memory_order_relaxed); }
  void succeeded();
  std::uint32_t failed();  // how many in a row now
  // When it became available last (slow start); the epoch if it always was.
  MonotonicTime available_since() const { return MonotonicTime(Duration(since_.load(std::memory_order_relaxed))); }

  // For WaitingLine: announces a line where somebody waits, or takes it back. On return of leave_line() no more permits
  // are posted to the mailbox's loop (those already posted arrive).
  static void join_line(const std::shared_ptr<Endpoint>& endpoint, const std::shared_ptr<LineMailbox>& mailbox);
  void leave_line(const std::shared_ptr<LineMailbox>& mailbox);

 private:
  friend class Permit;
  bool take(std::uint32_t limit);
  bool take_any(std::uint32_t limit);
  void tell_all_mailboxes();  // REQUIRES: mailboxes_mutex_ is held
  static void give_back(const std::shared_ptr<Endpoint>& endpoint);
  static void offer_permit(const std::shared_ptr<Endpoint>& endpoint);

  const Identity identity_;
  std::atomic<std::uint8_t> obstacles_{0};
  std::atomic<Duration::rep> since_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint32_t> failures_in_row_{0};
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> mailboxes_waiting_{0};
  std::mutex mailboxes_mutex_;                           // only while somebody waits
  std::vector<std::shared_ptr<LineMailbox>> mailboxes_;  // next in turn first
};

}  // namespace gatehouse
