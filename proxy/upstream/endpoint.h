// One address that answers requests, as one upstream knows it. Const or atomic only: every worker shares it
// (shared_ptr) and any thread may call anything. It outlives reloads: the registry of the server keeps one for each
// pair of upstream and address, so pools and counts stay with it.
//
// A Place is the right to have one request in flight at an endpoint. Where the number of places is limited, requests
// may wait in lines (waiting_line.h), one for each worker and upstream. A place that becomes free while somebody waits
// is handed to a waiting worker by EventLoop::post, each in turn, and nobody new takes it before: no worker starves.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"

namespace gatehouse {

class Endpoint;
struct LineDoor;

// Gives itself back when destroyed, on any thread.
class Place {
 public:
  // Nothing if `limit` requests are in flight already; 0: no limit.
  static std::optional<Place> take(std::shared_ptr<Endpoint> endpoint, std::uint32_t limit);

  Place(Place&& other) noexcept = default;
  Place& operator=(Place&& other) noexcept;
  ~Place() { give_back(); }

  const std::shared_ptr<Endpoint>& endpoint() const { return endpoint_; }

 private:
  explicit Place(std::shared_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}
  void give_back();

  std::shared_ptr<Endpoint> endpoint_;  // null: moved from
};

class Endpoint {
 public:
  Endpoint(std::string upstream, Address address);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& upstream() const { return upstream_; }
  const Address& address() const { return address_; }
  const std::string& name() const { return name_; }            // "127.0.0.1:5000", "unix:/run/shop.sock"
  const std::string& authority() const { return authority_; }  // for Host; "localhost" for Unix sockets

  std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  bool has_place(std::uint32_t limit) const { return limit == 0 || in_flight() < limit; }

  // Whether balancers may choose it; set by health checks and the app host.
  bool available() const { return available_.load(std::memory_order_relaxed); }
  void set_available(bool available);

  // For WaitingLine: announces a line where somebody waits, or takes it back. On return of leave_line() no more places
  // are posted to the door's loop (those already posted arrive).
  static void join_line(const std::shared_ptr<Endpoint>& endpoint, const std::shared_ptr<LineDoor>& door);
  void leave_line(const std::shared_ptr<LineDoor>& door);

 private:
  friend class Place;
  bool take(std::uint32_t limit);
  static void give_back(const std::shared_ptr<Endpoint>& endpoint);
  static void offer_place(const std::shared_ptr<Endpoint>& endpoint);

  const std::string upstream_;
  const Address address_;
  const std::string name_;
  const std::string authority_;
  std::atomic<bool> available_{true};
  std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<std::uint32_t> doors_waiting_{0};
  std::mutex doors_mutex_;                        // only while somebody waits
  std::vector<std::shared_ptr<LineDoor>> doors_;  // next in turn first
};

}  // namespace gatehouse
