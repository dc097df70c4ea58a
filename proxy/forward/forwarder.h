// Answers an exchange with what an endpoint says: chooses the endpoint, gets a connection (or waits for a permit),
// rewrites both heads, and decides about another try. Sees heads and ends only; body bytes go from the codec's pipe
// to the connection and back without it. Owned by its exchange; one loop's thread; destroying it leaves the line or
// discards the connection.
//
//   start     take a permit: free --> attempt      taken, or an endpoint is coming --> in line      refused --> fault
//   in line   on_permit --> attempt                on_wait_timeout, on_refused --> fault
//   attempt   on_head --> on_done: the connection is put back, or closed
//             on_fault --> retry::decide: again --> attempt      wait --> in line      no --> fault
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/timer.h"
#include "proxy/forward/retry.h"
#include "proxy/forward/route_table.h"
#include "proxy/http/exchange.h"
#include "proxy/upstream/upstream_connection.h"
#include "proxy/upstream/upstream_pools.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

// In these steps, each marked where it is taken:
//   (1) the route's limits, and loops
//   (2) the head as the endpoint shall see it
//   (3) an endpoint with a free permit, or a turn in the line
//   (4) a connection: one that was kept, or a new one
//   (5) the exchange on the connection; after a failure perhaps (3) or (4) once more
//   (6) the head as the client shall see it
//   (7) the connection goes back
class Forwarder final : public Responder, private UpstreamConnection::User, private PoolWaiter {
 public:
  // `route` is one that forwards; it lives as long as the exchange, which pins its table. `pools` are the worker's.
  Forwarder(Exchange& exchange, const Route& route, UpstreamPools& pools);

  // Answers an OPTIONS request that must not go further, and refuses a request that has been here before
  // (kLoopDetected) or is beyond the route's limits, without asking for an endpoint.
  void start() override;

 private:
  // Of UpstreamConnection::User, for the attempt that is under way.
  void on_connected(Duration took) override;
  void on_interim(ResponseHead head) override;
  void on_head(ResponseHead head) override;
  void on_done(bool reusable) override;
  void on_fault(const UpstreamConnection::Failure& failure) override;
  // Of PoolWaiter, while no attempt is under way.
  void on_permit(Permit permit) override;
  void on_wait_timeout(NoPermit why) override;
  void on_refused(const Refusal& refusal) override;
  PickRequest pick_request() const override;

  // Gives up the lease and forgets who has been tried.
  void wait_in_line(NoPermit why);
  void note_waiting();
  void attempt(Permit permit, Pool::Kind kind);
  // False if the head cannot be written safely as HTTP/1.1.
  bool begin();
  retry::Facts facts_of(const UpstreamConnection::Failure& failure, bool settled);
  void decide_on(UpstreamConnection::Failure failure, bool settled);
  // False if there is nobody to try, or the retry budget is used up.
  bool try_again(const retry::Decision& decision);
  std::expected<Permit, NoPermit> permit_for_retry(retry::Where where);
  // Sends 100 to a client that waits for it (RFC 9110 section 10.1.1).
  void invite_body();
  void note_failure(const UpstreamConnection::Failure& failure);
  // Counts for or against the endpoint in outlier detection.
  void judge_endpoint(bool failed);
  // Adds the affinity cookie where the client has none that is as good.
  void stick(ResponseHead& head);
  void give_up(const UpstreamConnection::Failure& failure);
  void fail(Fault fault, int error = 0);
  // Whether names, addresses and output of apps may be shown to the client: only on loopback, and if configured.
  bool client_may_know() const;
  void end_lease();

  Exchange& exchange_;
  const Route& route_;
  const std::shared_ptr<const Upstream>& upstream_;
  UpstreamPools& pools_;
  std::optional<Lease> lease_;
  // Endpoints that were tried and failed, since it waited last.
  std::array<const Endpoint*, retry::kMaxAttempts> tried_{};
  std::size_t tried_count_ = 0;
  // What the endpoint gets instead of the client's target; empty: the same.
  std::string target_;
  // The connection has, or may have, the identity of who sent this request.
  bool private_ = false;
  MonotonicTime waiting_since_{};
  // Waits until the end of a process would be known; rarely needed.
  std::unique_ptr<Timer> settling_;
};

}  // namespace gatehouse
