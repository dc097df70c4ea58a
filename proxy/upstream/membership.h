// The endpoints of one upstream over time: the set in force, who waits for another one, and what the control thread
// wants to hear. Outlives reloads: UpstreamDirectory keeps one for each upstream by name, and shares it (shared_ptr)
// with the snapshots, and so with all workers. replace() is the control thread's; everything else may be called by any
// thread.
//
//   control thread: replace(set) --> set_, version_ + 1 --> workers compare versions, then ask for set()
//                                +-> mailboxes_ --post--> WaitingLine::look_for_permits() of each worker with a line
//   workers:        want(), keeps_failing(), lost() --> hooks, which post to the control thread
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
  // Called on workers' threads, so they post. Either may be empty.
  struct Hooks {
    // A request waits, and no endpoint is fit. Called at most once between two calls of replace().
    std::function<void()> wanted;
    // An endpoint's failures in a row have reached UpstreamOptions::failures_to_eject, or a multiple of it. Called each
    // time.
    std::function<void(const std::shared_ptr<Endpoint>&)> keeps_failing;
    // An app's process has refused a connection, and its endpoint is kLost. At most once in 100 ms for each endpoint.
    std::function<void(const std::shared_ptr<Endpoint>&)> lost;
  };

  // REQUIRES: `set` is not null.
  Membership(std::string upstream, std::shared_ptr<const EndpointSet> set, Hooks hooks);
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  const std::string& upstream() const { return upstream_; }

  // The set in force, never null. Takes a mutex: workers keep it, and ask again when the version has changed.
  std::shared_ptr<const EndpointSet> set() const;
  // Grows with every replace(). Whoever reads it before set() gets a set that is at least as new.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Endpoints that are in both sets keep all that they are; the new ones start slowly, unless the former set was empty.
  // Requests that wait are told: they get a permit at a new endpoint, wait on, or are refused as the new set says.
  // `wanted` may be called again from now on. An endpoint that is left out is not told; whoever drops it sets
  // kNotServing where that is needed. REQUIRES: `set` is not null.
  void replace(std::shared_ptr<const EndpointSet> set);

  // A request has begun to wait for any endpoint at all.
  void want();
  void keeps_failing(const std::shared_ptr<Endpoint>& endpoint);
  void lost(const std::shared_ptr<Endpoint>& endpoint);

  // For WaitingLine: whom replace() tells. On return of leave_line() nothing is posted to the mailbox's loop any more
  // (what is posted already arrives).
  void join_line(const std::shared_ptr<LineMailbox>& mailbox);
  void leave_line(const std::shared_ptr<LineMailbox>& mailbox);

 private:
  const std::string upstream_;
  const Hooks hooks_;
  std::atomic<std::uint64_t> version_{1};
  std::atomic<bool> wanted_{false};
  // Guards set_ and mailboxes_.
  mutable std::mutex mutex_;
  std::shared_ptr<const EndpointSet> set_;
  std::vector<std::shared_ptr<LineMailbox>> mailboxes_;
};

}  // namespace gatehouse
