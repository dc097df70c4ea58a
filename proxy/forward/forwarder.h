// Answers an exchange with what an endpoint says: chooses the endpoint, gets a connection (or waits for a permit),
// rewrites both heads, and decides about another try. Sees heads and ends only; body bytes go from the codec's pipe
// to the connection and back without it. Owned by its exchange; one loop's thread; destroying it leaves the line or
// discards the connection.
//
//   start     take a permit: free --> attempt      taken, or an endpoint is coming --> in line      refused --> fault
//   in line   on_permit --> attempt                on_wait_timeout, on_refused --> fault
//   attempt   on_head --> on_done: the connection is put back, stays with the client, or is closed
//             on_head, X-Delegate-To --> as start, at another upstream; the connection likewise
//             on_fault --> retry::decide: again --> attempt      wait --> in line      no --> fault
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/timer.h"
#include "proxy/cache/visit.h"
#include "proxy/files/sent_file.h"
#include "proxy/forward/delegation.h"
#include "proxy/forward/early_hints.h"
#include "proxy/forward/reset_code.h"
#include "proxy/forward/retry.h"
#include "proxy/forward/route_table.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/upstream/private_connections.h"
#include "proxy/upstream/upstream_connection.h"
#include "proxy/upstream/upstream_pools.h"
#include "proxy/upstream/waiting_line.h"

namespace gatehouse {

// In these steps, each marked where it is taken:
//   (1) the route's limits, and loops
//   (2) the head as the endpoint shall see it; with it the cache is asked
//   (3) an endpoint with a free permit, or a turn in the line
//   (4) a connection: one that was kept, or a new one
//   (5) the exchange on the connection; after a failure perhaps (3) or (4) once more
//   (6) the head as the client shall see it
//   (7) the connection goes back
class Forwarder final : public Responder, private UpstreamConnection::User, private PoolWaiter {
 public:
  // `route` is one that forwards; it lives as long as the exchange, which pins its table. `pools` and `hints` are the
  // worker's.
  Forwarder(Exchange& exchange, const Route& route, UpstreamPools& pools, EarlyHints& hints);

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

  const std::shared_ptr<const Upstream>& upstream() const { return *upstream_; }
  // Step (3): the request has no lease.
  void seek_endpoint();
  // Looks for what is stored. True: the exchange has its response, or waits for what another one brings.
  bool visit_cache();
  // True if the exchange is answered with what is stored, and the rest of what the endpoint says is nobody's.
  bool stored_instead(ResponseHead& head);
  // Gives up the lease and forgets who has been tried.
  void wait_in_line(NoPermit why);
  void note_waiting();
  void attempt(Permit permit, Pool::Kind kind);
  // One of the client's own, or one of the pool.
  Lease connection(Permit&& permit, Pool::Kind kind);
  // Whether a connection on which the client has authenticated is kept for its next exchange. Not for a proxy that
  // speaks for others: who comes next on its connection may be somebody else.
  bool keeps_identity() const { return route_.connection_auth && !exchange_.client().forwarded_for; }
  // Whether each connection begins with whose it is, and serves nobody else then.
  bool introduces() const { return upstream()->options().proxy_protocol != SendProxyProtocol::kOff; }
  std::string introduction() const;
  // Those of the client's connection that this exchange may have. Null: there are none.
  PrivateConnections* own_connections() const;
  PrivateConnections::Claim claim(bool identified) const;
  // False if the head cannot be written safely as HTTP/1.1.
  bool begin();
  // Whether the route lets the request go on: one that asks for what it does not list need not on h2 and h3.
  bool settle_upgrade();
  // The request's grpc-timeout, if it is one of gRPC.
  void set_deadline();
  void on_deadline();
  // What an answer of gRPC, or of gRPC-Web in its place, needs. False if it is none that can be passed on.
  bool settle_grpc(ResponseHead& head);
  // True if the answer's filter has found something wrong with it: it has ended then.
  bool ended_by_filter();
  retry::Facts facts_of(const UpstreamConnection::Failure& failure, bool settled);
  void decide_on(UpstreamConnection::Failure failure, bool settled);
  // False if there is nobody to try, or the retry budget is used up.
  bool try_again(const retry::Decision& decision);
  std::expected<Permit, NoPermit> permit_for_retry(retry::Where where);
  // The endpoint has, or is about to get, the head of a request whose client waits for 100.
  void await_continue();
  // Sends 100 to a client that waits for it.
  void invite_body();
  void note_failure(const UpstreamConnection::Failure& failure);
  // What had to be put right in what the endpoint said.
  void note_repairs();
  // Counts for or against the endpoint, by its answer, in outlier detection and for the balancer.
  void judge_endpoint(std::uint16_t status);
  void note_failure_of_endpoint(const EndpointFailure& why);
  // The endpoint has said X-Reset-Code. True if that is what happens to its answer; else it is as if it had not.
  bool reset_as_said(std::string_view said, reset_code::Where where);
  // The endpoint names a file instead of a body. True if that is what its answer is; else it is as if it had not.
  bool send_file(ResponseHead& head);
  // Says what earlier responses have taught.
  void hint();
  // What the client will need next: learned of, and proposed to it.
  void look_ahead(const ResponseHead& head);
  // Adds the affinity cookie where the client has none that is as good.
  void stick(ResponseHead& head);
  // The answer may say X-Delegate-To. True if it is dealt with: the request goes elsewhere, or has failed.
  bool delegate(ResponseHead& head);
  void hand_over(const Delegator& target, ResponseHead& head);
  // `target` and `delegator`, which is the same or null, live as long as the route's table.
  void go_to(const std::shared_ptr<const Upstream>& target, const Delegator* delegator);
  // Whether the endpoint gets the body only when it asks for it.
  bool holds_body() const;
  // The endpoint has asked for it.
  void give_body();
  // How often the request was given to a connection of this upstream.
  std::uint32_t attempts_here() const;
  // Ends the lease. `reusable`: its connection is idle, for whom it is good.
  void give_back(bool reusable);
  void give_up(const UpstreamConnection::Failure& failure);
  void fail(Fault fault, int error = 0);
  // Whether names, addresses and output of apps may be shown to the client: only on loopback, and if configured.
  bool client_may_know() const;
  void end_lease();

  Exchange& exchange_;
  const Route& route_;
  // The route's, or whom the request was handed to.
  const std::shared_ptr<const Upstream>* upstream_;
  UpstreamPools& pools_;
  // Once a file is sent instead of what the endpoint says.
  struct FileInstead {
    // For the body that the endpoint does not send.
    BodyPipe nothing;
    std::unique_ptr<SentFile> file;
  };
  std::unique_ptr<FileInstead> file_instead_;
  // What the cache does for it; null: the route has none.
  std::unique_ptr<cache::Visit> visit_;
  std::optional<Lease> lease_;
  // For an endpoint.
  struct Search {
    // Those that were tried and failed, since it waited last.
    std::array<const Endpoint*, retry::kMaxAttempts> tried{};
    std::size_t tried_count = 0;
    // While it waits in line.
    MonotonicTime waiting_since{};
  };
  Search search_;
  // What lies over the client's head, but for what is the endpoint's own, and who learns from the response; null:
  // nobody does.
  struct Overlay {
    // Instead of the client's target; empty: the same.
    std::string target;
    // Likewise its content-type.
    std::string content_type;
    // What the connection is to become; empty: nothing.
    std::string_view upgrade;
    EarlyHints* learner = nullptr;
  };
  Overlay overlay_;
  struct Delegating {
    // The upstream, as one that may hand the request to others; null: it may not.
    const Delegator* by = nullptr;
    // The endpoint has said 100 and gets the body.
    bool asked_for_body = false;
    // Who has handed the request over, and how many attempts that took.
    std::array<const Upstream*, delegation::kMostHops> visited{};
    std::size_t hops = 0;
    std::uint32_t attempts_before = 0;
  };
  Delegating delegation_;
  // The connection has, or may have, the identity of who sent this request, or of this client since an earlier one.
  bool identified_ = false;
  // Each is made when it is needed first, which is rarely.
  struct Timers {
    // Waits until the end of a process would be known.
    std::unique_ptr<Timer> settling;
    // Runs while an endpoint lets a client wait for 100.
    std::unique_ptr<Timer> silence;
    // For the whole exchange.
    std::unique_ptr<Timer> deadline;
  };
  Timers timers_;
};

}  // namespace gatehouse
