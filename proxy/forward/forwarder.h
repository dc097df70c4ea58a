// Answers an exchange with what an endpoint says: chooses the endpoint, gets a connection (or waits for a permit),
// rewrites both heads, and decides about another try. Sees heads and ends only; body bytes go from the codec's pipe to
// the connection and back without it. Owned by its exchange; one loop's thread; destroying it discards the connection.
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

class Forwarder final : public Responder, private UpstreamConnection::User, private PoolWaiter {
 public:
  // `route` is one that forwards; it lives as long as the exchange.
  Forwarder(Exchange& exchange, const Route& route, UpstreamPools& pools);

  void start() override;

 private:
  void on_connected(Duration took) override;
  void on_interim(ResponseHead head) override;
  void on_head(ResponseHead head) override;
  void on_done(bool reusable) override;
  void on_fault(const UpstreamConnection::Failure& failure) override;
  void on_permit(Permit permit) override;
  void on_wait_timeout(NoPermit why) override;
  void on_refused(const Refusal& refusal) override;
  PickRequest pick_request() const override;

  void wait_in_line(NoPermit why);
  void note_waiting();
  void attempt(Permit permit, Pool::Kind kind);
  bool begin();
  retry::Facts facts_of(const UpstreamConnection::Failure& failure, bool settled);
  void decide_on(UpstreamConnection::Failure failure, bool settled);
  bool try_again(const retry::Decision& decision);
  std::expected<Permit, NoPermit> permit_for_retry(retry::Where where);
  void invite_body();
  void note_failure(const UpstreamConnection::Failure& failure);
  void judge_endpoint(bool failed);
  void stick(ResponseHead& head);
  void give_up(const UpstreamConnection::Failure& failure);
  void fail(Fault fault, int error = 0);
  bool client_may_know() const;
  void end_lease();

  Exchange& exchange_;
  const Route& route_;
  const std::shared_ptr<const Upstream>& upstream_;
  UpstreamPools& pools_;
  std::optional<Lease> lease_;
  std::array<const Endpoint*, retry::kMaxAttempts> tried_{};  // and failed, since it waited last
  std::size_t tried_count_ = 0;
  std::string target_;    // what the endpoint gets instead of the client's; empty: the same
  bool private_ = false;  // the connection has, or may have, the identity of who sent this request
  MonotonicTime waiting_since_{};
  std::unique_ptr<Timer> settling_;  // rarely needed
};

}  // namespace gatehouse
