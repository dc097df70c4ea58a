// The endpoints of one upstream over time: the set in force, who waits for another one, and what the control thread
// wants to hear. Outlives reloads (the server keeps one for each upstream by name), shared by all workers (shared_ptr).
// replace() is the control thread's; everything else may be called by any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/upstream/endpoint_set.h"

namespace gatehouse {

struct LineMailbox;

class Membership {
 public:
  // Called on workers' threads, so they post; each at most once until it is acted upon (see below).
  struct Hooks {
    std::function<void()> wanted;                                         // a request waits, and no endpoint is fit
    std::function<void(const std::shared_ptr<Endpoint>&)> keeps_failing;  // its failures in a row reached the limit
  };

  Membership(std::string upstream, std::shared_ptr<const EndpointSet> set, Hooks hooks);
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  const std::string& upstream() const { return upstream_; }

  // The set in force. Takes a mutex: workers keep it, and ask again when the version has changed.
  std::shared_ptr<const EndpointSet> set() const;
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Endpoints that are in both sets keep all that they are. Requests that wait are told: they get a permit at a new
  // endpoint, wait on, or are refused as the new set says. `wanted` may be called again from now on.
  void replace(std::shared_ptr<const EndpointSet> set);

  void want();  // a request has begun to wait for any endpoint at all
  void keeps_failing(const std::shared_ptr<Endpoint>& endpoint);

  // For WaitingLine: whom replace() tells.
  void join_line(const std::shared_ptr<LineMailbox>& mailbox);
  void leave_line(const std::shared_ptr<LineMailbox>& mailbox);

 private:
  const std::string upstream_;
  const Hooks hooks_;
  std::atomic<std::uint64_t> version_{1};
  std::atomic<bool> wanted_{false};
  mutable std::mutex mutex_;  // set_ and mailboxes_
  std::shared_ptr<const EndpointSet> set_;
  std::vector<std::shared_ptr<LineMailbox>> mailboxes_;
};

}  // namespace gatehouse
