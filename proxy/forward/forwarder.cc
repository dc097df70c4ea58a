#include "proxy/forward/forwarder.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "proxy/forward/affinity.h"
#include "proxy/forward/auth_responder.h"
#include "proxy/forward/connection_auth.h"
#include "proxy/forward/grpc_web.h"
#include "proxy/forward/push_targets.h"
#include "proxy/forward/request_rules.h"
#include "proxy/forward/response_rules.h"
#include "proxy/forward/upgrade_rules.h"
#include "proxy/http/error_page.h"
#include "proxy/http/request_id.h"
#include "proxy/upstream/introduction.h"

namespace gatehouse {

namespace {

constexpr std::string_view kPairingToken = "MS-ASPNETCORE-TOKEN";
constexpr std::string_view kPairedCertificate = "MS-ASPNETCORE-CLIENTCERT";
constexpr std::size_t kMostShown = 40;  // of what an endpoint says, in a line of the log
// An endpoint that has not said 100 by then knows of no expectations: its clients are invited by us.
constexpr std::chrono::seconds kLongestSilence{1};

constinit log::Limited ignored_reset_codes("X-Reset-Code fields of endpoints that are not valid");

// The fields that only who has the token believes.
void complete_pairing(RequestHead& head, const ClientInfo& client) {
  head.fields.remove(kPairingToken);
  if (client.tls && client.tls->certificate) head.fields.set(kPairedCertificate, client.tls->certificate->base64());
}

}  // namespace

Forwarder::Forwarder(Exchange& exchange, const Route& route, UpstreamPools& pools, EarlyHints& hints)
    : exchange_(exchange), route_(route), upstream_(&std::get<ForwardTo>(route.action).upstream), pools_(pools) {
  if (route.early_hints) overlay_.learner = &hints;
}

void Forwarder::start() {
  ExchangeRecord& record = exchange_.record();
  go_to(upstream(), std::get<ForwardTo>(route_.action).delegator.get());
  // (1) the route's limits, and loops
  if (!exchange_.apply_limits(route_.limits)) return;
  if (request_ends_here(exchange_.request())) {
    ResponseHead head{.status = 200};
    say_request_id(head.fields, exchange_.record().request_id);
    exchange_.respond(std::move(head), "");
    return;
  }
  if (request_has_come_back(exchange_.request(), exchange_.client(), route_)) return fail(Fault::kLoopDetected);
  if (!settle_upgrade()) return fail(Fault::kUpgradeNotSupported);
  if (exchange_.request().fields.may_have(FieldName::kGrpcTimeout)) [[unlikely]] {
    set_deadline();
  }
  if (overlay_.learner != nullptr) hint();
  // (2) the head as the endpoint shall see it
  std::expected<std::string, Fault> target = forwarded_target(exchange_.request(), route_);
  if (!target) return fail(target.error());
  overlay_.target = *std::move(target);
  if (route_.grpc == Grpc::kWeb) overlay_.content_type = grpc_web::make_request(exchange_.request());
  if (const SendFile* const files = std::get<ForwardTo>(route_.action).send_file.get()) {
    files->announce(exchange_.request().fields);
  }
  apply_request_rules(exchange_.request(), exchange_.client(), route_, record.request_id);
  if (route_.auth) [[unlikely]] {
    auth_responder::say_user(exchange_);
  }
  if (route_.cache && visit_cache()) return;
  seek_endpoint();
}

// (3) an endpoint with a free permit, or a turn in the line
void Forwarder::seek_endpoint() {
  std::expected<Permit, NoPermit> permit = pools_.take_permit(upstream(), pick_request());
  if (permit) {
    attempt(*std::move(permit), Pool::Kind::kAny);
  } else if (permit.error() == NoPermit::kRefused) {
    on_refused(pools_.set_of(upstream())->refusal);
  } else {
    wait_in_line(permit.error());
  }
}

bool Forwarder::settle_upgrade() {
  const RequestHead& head = exchange_.request();
  if (!head.asks_for_tunnel()) return true;
  overlay_.upgrade = allowed_upgrade(head, route_);
  if (!overlay_.upgrade.empty()) return true;
  if (!route_.told->unlisted_upgrade.exchange(true, std::memory_order_relaxed)) {
    log::info(
        "route {}: `upgrade` does not list \"{}\": requests for it are passed on as ordinary ones, over h2 and h3 "
        "refused; told once",
        route_.name, head.upgrade);
  }
  return !is_binary(head.protocol);
}

PickRequest Forwarder::pick_request() const {
  const UpstreamOptions& options = upstream()->options();
  const RequestHead& head = exchange_.request();
  PickRequest request{.tried = std::span(search_.tried).first(search_.tried_count)};
  if (options.balance == Balance::kHash) request.key = affinity::key(head, exchange_.client(), options);
  if (PrivateConnections* own = own_connections()) request.own = own->find(claim(keeps_identity()));
  if (!options.sticky_cookie.empty()) request.cookie = affinity::cookie(head.fields, options.sticky_cookie);
  return request;
}

void Forwarder::wait_in_line(NoPermit why) {
  lease_.reset();
  search_.tried_count = 0;
  if (why == NoPermit::kComing && visit_ && visit_->stands_in()) return upstream()->membership().want();
  search_.waiting_since = exchange_.loop().now();
  if (!pools_.wait(upstream(), *this)) fail(why == NoPermit::kNoRoom ? Fault::kOutOfResources : Fault::kQueueFull);
}

void Forwarder::on_permit(Permit permit) {
  if (exchange_.response()) return;  // the deadline was over in this turn
  note_waiting();
  attempt(std::move(permit), attempts_here() == 0 ? Pool::Kind::kAny : Pool::Kind::kFresh);
}

void Forwarder::on_wait_timeout(NoPermit why) {
  note_waiting();
  fail(why == NoPermit::kNoRoom ? Fault::kOutOfResources : Fault::kQueueTimeout);
}

// The first look finds out as well that there is none.
void Forwarder::on_refused(const Refusal& refusal) {
  if (search_.waiting_since != MonotonicTime{}) note_waiting();
  end_lease();
  if (visit_ && visit_->stands_in_for_good()) return;
  exchange_.fail(refusal.fault, {.retry_after = refusal.retry_after,
                                 .body = refusal.body,
                                 .content_type = refusal.content_type,
                                 .cause = client_may_know() ? std::string_view(refusal.detail) : std::string_view()});
}

// Of names, addresses and output that are nobody else's business.
bool Forwarder::client_may_know() const {
  const ClientInfo& client = exchange_.client();
  return upstream()->options().detailed_errors && client.address.is_loopback() && client.origin().is_loopback();
}

void Forwarder::note_waiting() {
  ExchangeRecord& record = exchange_.record();
  record.queued = record.queued.value_or(Duration::zero()) + (exchange_.loop().now() - search_.waiting_since);
  search_.waiting_since = {};
}

// (4) a connection
void Forwarder::attempt(Permit permit, Pool::Kind kind) {
  identified_ = connection_auth::binds(exchange_.request());
  delegation_.asked_for_body = false;
  lease_.emplace(connection(std::move(permit), kind));
  ExchangeRecord& record = exchange_.record();
  ++record.attempts;
  record.endpoint = lease_->endpoint()->name();
  record.app_pid = lease_->endpoint()->pid();
  record.upstream_reused = lease_->reused();
  if (!begin()) {
    fail(Fault::kRequestNotWritable);
    return;
  }
  if (lease_->reused()) await_continue();
}

// One with an identity has it for its life. Of the pool's none has been introduced: they may be of a time when the
// upstream did not ask for it.
Lease Forwarder::connection(Permit&& permit, Pool::Kind kind) {
  if (PrivateConnections* own = kind == Pool::Kind::kAny ? own_connections() : nullptr) {
    if (auto taken = own->take(claim(keeps_identity()), permit)) {
      identified_ = identified_ || taken->identified;
      return std::move(taken->lease);
    }
  }
  return pools_.acquire(std::move(permit), upstream()->options().pool, introduces() ? Pool::Kind::kFresh : kind);
}

PrivateConnections* Forwarder::own_connections() const {
  if (!keeps_identity() && !introduces()) return nullptr;
  const BelongingsPtr* const belongings = exchange_.client().belongings;
  return belongings != nullptr ? PrivateConnections::of(*belongings) : nullptr;
}

PrivateConnections::Claim Forwarder::claim(bool identified) const {
  return {.upstream = upstream()->name(),
          .introduced = introduces() ? &exchange_.client().origin() : nullptr,
          .identified = identified};
}

// Where a client has connected to, a proxy before us knows best.
std::string Forwarder::introduction() const {
  if (!introduces()) return {};
  const ClientInfo& client = exchange_.client();
  const bool told = client.proxied && client.proxied->destination;
  const bool known = client.listener && client.listener->address.family() != AF_UNSPEC &&
                     !client.listener->address.is_any() && !client.listener->address.is_unix();
  const Address& here = known ? client.listener->address : lease_->endpoint()->address();
  return introduction::of_client(upstream()->options().proxy_protocol, client.origin(),
                                 told ? *client.proxied->destination : here);
}

// (5) the exchange on the connection. Nobody but the endpoint ever sees its token.
bool Forwarder::begin() {
  RequestHead& head = exchange_.request();
  const Endpoint& endpoint = *lease_->endpoint();
  const bool has_token = !endpoint.pairing_token().empty();
  if (has_token) {
    complete_pairing(head, exchange_.client());
  } else if (delegation_.hops > 0) {
    head.fields.remove(kPairedCertificate);
  }
  if (!overlay_.upgrade.empty()) complete_handshake(head);
  const std::string introduced = lease_->reused() ? std::string() : introduction();
  const bool replaces_host = !route_.preserve_host || head.authority.empty();
  return lease_->connection().begin(
      {.head = head,
       .overlay = {.authority = replaces_host ? std::string_view(endpoint.authority()) : std::string_view(),
                   .target = overlay_.target,
                   .content_type = overlay_.content_type,
                   .upgrade = overlay_.upgrade,
                   .extra_name = has_token ? kPairingToken : std::string_view(),
                   .extra_value = endpoint.pairing_token(),
                   .expects_continue = holds_body() || exchange_.awaits_continue()},
       .body = exchange_.request_pipe(),
       .response = exchange_.response_pipe(),
       .holds_body = holds_body(),
       .introduction = introduced,
       .limits = exchange_.limits(),
       .tolerance = upstream()->options().tolerance},
      *this);
}

void Forwarder::on_connected(Duration took) {
  exchange_.record().connected = took;
  lease_->counters().connects_ok.add();
  await_continue();
}

// RFC 9110 section 10.1.1: whether the client shall send its body is for the endpoint to say, by 100 or a final
// answer. From one that says nothing nobody can tell whether it knows of expectations at all; but who may hand the
// request over has been told to know of them, and takes its time to decide.
void Forwarder::await_continue() {
  if (!exchange_.awaits_continue() || holds_body()) return;
  // A turn later than it is due: what the endpoint has said meanwhile has been read by then.
  timers_.silence = std::make_unique<Timer>(exchange_.loop(), [this, turns = 2]() mutable {
    if (--turns > 0) return timers_.silence->arm(Duration::zero());
    invite_body();
  });
  timers_.silence->arm(kLongestSilence);
}

// Of a client that has begun its body meanwhile, or was invited by the endpoint, the exchange knows.
void Forwarder::invite_body() {
  exchange_.respond_interim(ResponseHead{.status = 100});
}

// Of an endpoint that may hand the request over nobody knows whether what follows these heads is its own.
void Forwarder::on_interim(ResponseHead head) {
  if (head.status == 100) {
    timers_.silence.reset();
    if (holds_body()) give_body();
  } else if (delegation_.by != nullptr) {
    return;
  }
  apply_interim_response_rules(head);
  exchange_.respond_interim(std::move(head));
}

// (6) the head as the client shall see it
void Forwarder::on_head(ResponseHead head) {
  timers_.silence.reset();
  lease_->counters().requests_by_class[head.status / 100U].add();
  if (head.opens_tunnel() && !is_accepted(exchange_.request(), head)) return fail(Fault::kUpstreamInvalid);
  judge_endpoint(head.status);
  identified_ = identified_ || connection_auth::binds(head);
  if (head.fields.may_have(FieldName::kXDelegateTo)) [[unlikely]] {
    if (delegate(head)) return;
  }
  if (head.fields.may_have(FieldName::kXResetCode)) [[unlikely]] {
    const std::optional<std::string> said = reset_code::take(head.fields);
    if (said && reset_as_said(*said, reset_code::Where::kHead)) return;
  }
  if (head.fields.may_have(FieldName::kXAccelRedirect, FieldName::kXSendfile)) [[unlikely]] {
    if (send_file(head)) return;
  }
  const bool is_web = !overlay_.content_type.empty();
  if (is_web || head.fields.may_have(FieldName::kGrpcStatus)) [[unlikely]] {
    if (!settle_grpc(head)) return fail(Fault::kGrpcWebInvalid);
  }
  apply_response_rules(head, route_, exchange_.record().request_id);
  if (visit_ && stored_instead(head)) return;
  stick(head);
  if (route_.push || overlay_.learner != nullptr) look_ahead(head);
  exchange_.respond(std::move(head));
}

// The rest of an answer that is reset is not waited for. Behind its trailers there is none: the connection is as good as
// before.
bool Forwarder::reset_as_said(std::string_view said, reset_code::Where where) {
  const std::optional<ResetCodes> codes = reset_code::codes(said, where);
  if (!codes) {
    ignored_reset_codes.info(
        "upstream {}: endpoint {} said X-Reset-Code: {}, which is ignored: it is 0 to 13, and 7 and "
        "13 only as a header",
        upstream()->name(), lease_->endpoint()->name(), said.substr(0, kMostShown));
    return false;
  }
  if (where == reset_code::Where::kHead) lease_.reset();
  exchange_.reset(*codes);
  return true;
}

void Forwarder::hint() {
  const MonotonicTime now = exchange_.loop().now();
  if (auto known = overlay_.learner->of(exchange_.request(), now)) exchange_.respond_interim(*std::move(known));
  if (!EarlyHints::teaches(exchange_.request())) overlay_.learner = nullptr;
}

void Forwarder::look_ahead(const ResponseHead& head) {
  if (overlay_.learner != nullptr) overlay_.learner->learn(exchange_.request(), head, exchange_.loop().now());
  if (route_.push) exchange_.propose(push_targets(exchange_.request(), exchange_.client(), head));
}

void Forwarder::on_done(bool reusable) {
  note_repairs();
  if (!ended_by_filter() && visit_ && lease_->connection().reset_said().empty()) visit_->on_complete();
  const std::string_view said = lease_->connection().reset_said();
  if (!said.empty()) [[unlikely]] {
    reset_as_said(said, reset_code::Where::kTrailers);
  }
  give_back(reusable);
}

// (7) the connection goes back. One that its endpoint knows the client by is nobody else's: it stays with the client, or
// ends with its exchange.
void Forwarder::give_back(bool reusable) {
  BelongingsPtr* const belongings = exchange_.client().belongings;
  if (reusable && !identified_ && !introduces()) {
    lease_->put_back();
  } else if (reusable && belongings != nullptr && (!identified_ || keeps_identity())) {
    PrivateConnections::begin(*belongings).keep(*std::move(lease_), claim(identified_));
  } else if (reusable) {
    lease_->counters().closed_private.add();
  }
  lease_.reset();
}

// The affinity cookie, where the client has none that is as good.
void Forwarder::stick(ResponseHead& head) {
  const std::string& name = upstream()->options().sticky_cookie;
  if (name.empty()) return;
  const std::string_view sent = affinity::cookie(exchange_.request().fields, name);
  const std::string_view value = pools_.new_cookie(upstream(), *lease_->endpoint(), sent);
  if (value.empty()) return;
  head.fields.add(FieldName::kSetCookie, affinity::set_cookie(name, value, exchange_.request().secure));
}

void Forwarder::note_repairs() {
  const Repairs repairs = lease_->connection().repairs();
  if (repairs.none()) return;
  UpstreamCounters& counters = pools_.counters(upstream());
  for (std::size_t i = 0; i < kRepairCount; ++i) {
    if (repairs[i]) counters.repairs[i].add();
  }
}

void Forwarder::fail(Fault fault, int error) {
  end_lease();
  if (visit_ && visit_->stands_in_for_good()) return;
  exchange_.fail(fault,
                 {.next_hop = client_may_know() ? std::string_view(exchange_.record().endpoint) : "", .error = error});
}

void Forwarder::end_lease() {
  if (lease_ && !exchange_.response()) lease_->counters().requests_by_class[0].add();
  lease_.reset();
}

}  // namespace gatehouse
