// One address that answers requests, as one upstream knows it. Const or atomic only: every worker shares it
// (shared_ptr) and any thread may call anything. It outlives reloads: EndpointRegistry keeps one for each
// upstream, listed address and authority, HostedApp one for each instance, so pools and counts stay with it.
//
// A Permit is the right to have one request in flight at an endpoint. Where the number of permits is limited, requests
// may wait in lines (waiting_line.h), one for each worker and upstream. A permit that becomes free while somebody waits
// is handed to a waiting worker by EventLoop::post, each in turn, and nobody new takes it before: no worker starves.
// (Without a limit there is nothing to hand out: all who wait are told to look.)
//
//   worker 1: ~Permit --> Endpoint: mailboxes_ [ worker 2 | worker 3 ] --post Permit--> worker 2: WaitingLine::receive
//                                                next in turn           (worker 2 is the last in turn then)
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
#include "proxy/http/fault.h"

namespace gatehouse {

class Endpoint;
class TlsServer;
struct LineMailbox;

// Gives itself back when destroyed, on any thread. Keeps its endpoint alive.
class Permit {
 public:
  // Returns nothing if `limit` requests are in flight already (0: no limit), or if the endpoint is kNotServing. Other
  // obstacles are for the caller to see to. Counts as one of the endpoint's requests.
  static std::optional<Permit> take(std::shared_ptr<Endpoint> endpoint, std::uint32_t limit);

  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { give_back(); }

  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }

 private:
  explicit Permit(std::shared_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}
  void give_back();

  // Null: moved from.
  std::shared_ptr<Endpoint> endpoint_;
};

// Why no balancer may choose an endpoint, each set and taken back by who knows. The values are bits of one byte.
enum class Obstacle : std::uint8_t {
  // It is going: its process drains, or its configuration or its name's address is gone.
  kNotServing = 1,
  // Active checks fail.
  kUnhealthy = 2,
  // Requests failed there, one after the other.
  kEjected = 4,
  // It is to be checked first, and has not passed yet.
  kUnchecked = 16,
  // An app's process refused a connection: for a moment, until who watches it has seen to that.
  kLost = 8,
};

// Why a request failed at an endpoint.
struct EndpointFailure {
  // Nothing: it answered, with `status`.
  std::optional<Fault> fault{};
  // The errno of the fault; 0 where there is none.
  int error = 0;
  std::uint16_t status = 0;
};

class Endpoint {
 public:
  struct Identity {
    // The name of the upstream.
    std::string upstream;
    Address address;
    // The name in logs and metrics: "127.0.0.1:5000", "unix:/run/shop.sock", "web#0". Empty: the address.
    std::string name{};
    // What Host says. Empty: the address, and "localhost" for Unix sockets.
    std::string authority{};
    // Of the app's process; 0: none of ours.
    int pid = 0;
    // For MS-ASPNETCORE-TOKEN on every request; never logged.
    std::string pairing_token{};
    // Who alone may listen there: at a Unix socket that its user can replace, or where somebody has registered an
    // address; nothing: whoever does.
    std::optional<uid_t> listening_user{};
    // What is known of its TLS; null: it is spoken to without.
    std::shared_ptr<TlsServer> tls{};
    // Where it may listen instead, as on the other loopback address of localhost. No address: nowhere.
    Address other_address{};
    // What must be there for as long as the address shall mean the same, such as a descriptor that is part of it.
    std::shared_ptr<const void> holds{};
  };

  // Fills in the name and the authority where they are empty. Over TLS the name of an address begins with "https://",
  // and its authority has no port 443.
  explicit Endpoint(Identity identity);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& upstream() const { return identity_.upstream; }
  // Where it was found last; until then, the first of its addresses. Either lives as long as the endpoint.
  const Address& address() const {
    return at_other_.load(std::memory_order_relaxed) ? identity_.other_address : identity_.address;
  }
  // Where to look if nobody takes connections at `at`, one of its addresses; null: nowhere else.
  const Address* beside(const Address& at) const;
  // It took a connection at `at`, one of its addresses.
  void found_at(const Address& at);
  const std::string& name() const { return identity_.name; }
  const std::string& authority() const { return identity_.authority; }
  int pid() const { return identity_.pid; }
  const std::string& pairing_token() const { return identity_.pairing_token; }
  std::optional<uid_t> listening_user() const { return identity_.listening_user; }
  TlsServer* tls() const { return identity_.tls.get(); }

  // How many permits are out, over all workers.
  std::uint32_t in_flight() const { return in_flight_.load(); }
  // Whether there is a permit now; by the time that it is asked for another thread may have it. `limit` 0: no limit.
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
  // It has come to an upstream where others served before it: slow start begins.
  void joined();
  // Takes the obstacle away, and tells those who wait for an endpoint to look. Slow start begins when nothing is left.
  // Has no effect if the obstacle was not set.
  void clear(Obstacle obstacle);

  // Permits taken so far, retries included.
  std::uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }
  // Each request that was tried there ends in one of three ways: well; with an error (5xx) that is not counted as a
  // failure; or as a failure, which outlier detection counts. The last returns how many in a row have failed by now.
  void succeeded();
  void erred();
  std::uint32_t failed(const EndpointFailure& why = {});
  // Requests in a row that failed.
  std::uint32_t failures_in_row() const { return outcomes_.failures_in_row.load(std::memory_order_relaxed); }
  // From now on they count anew, although none has gone well.
  void count_anew() { outcomes_.failures_in_row.store(0, std::memory_order_relaxed); }
  // Requests that have failed so far.
  std::uint64_t failures() const { return outcomes_.failures.load(std::memory_order_relaxed); }
  // Why the last request failed; nothing if the last one did not, or there was none.
  std::optional<EndpointFailure> trouble() const;
  // How many of the last few requests have failed or erred, of kAllErrors. Threads that count at once may lose one.
  static constexpr std::uint32_t kAllErrors = 1024;
  std::uint32_t error_share() const { return outcomes_.error_share.load(std::memory_order_relaxed); }
  // When it became available last, for slow start; the epoch if it always was.
  MonotonicTime available_since() const { return MonotonicTime(Duration(since_.load(std::memory_order_relaxed))); }

  // For WaitingLine: announces a line where somebody waits, and offers it a permit if one is free. Nothing is delivered
  // before it returns.
  static void join_line(const std::shared_ptr<Endpoint>& endpoint, const std::shared_ptr<LineMailbox>& mailbox);
  // Takes the line back. On return no more permits are posted to the mailbox's loop (those already posted arrive).
  void leave_line(const std::shared_ptr<LineMailbox>& mailbox);

 private:
  friend class Permit;
  bool take(std::uint32_t limit);
  bool take_any(std::uint32_t limit);
  // REQUIRES: mailboxes_mutex_ is held.
  void tell_all_mailboxes();
  static void give_back(const std::shared_ptr<Endpoint>& endpoint);
  static void offer_permit(const std::shared_ptr<Endpoint>& endpoint);
  void end_row();
  void note_error(bool error);

  struct Outcomes {
    std::atomic<std::uint32_t> failures_in_row{0};
    std::atomic<std::uint32_t> error_share{0};
    // An EndpointFailure in one word; 0: nothing.
    std::atomic<std::uint32_t> trouble{0};
    std::atomic<std::uint64_t> failures{0};
  };

  const Identity identity_;
  std::atomic<bool> at_other_{false};
  std::atomic<std::uint8_t> obstacles_{0};
  std::atomic<Duration::rep> since_{0};
  std::atomic<std::uint64_t> requests_{0};
  Outcomes outcomes_;
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> mailboxes_waiting_{0};
  // Taken only while somebody waits, and when an obstacle goes.
  std::mutex mailboxes_mutex_;
  // The next in turn is the first.
  std::vector<std::shared_ptr<LineMailbox>> mailboxes_;
};

}  // namespace gatehouse
