// One request and its answer, with no protocol in it. The codec (client half) owns it and feeds and drains its pipes;
// the responder, which it owns, answers it. Destroying it at any moment is legal, cancels everything below it, and
// emits exactly one ExchangeObserver::on_end. One loop's thread; the halves meet only through wakers (invariant I1).
//
//   codec  --request_body()-->  request pipe   --> responder --> endpoint
//   codec <--response_body()--  response pipe <--  responder <-- endpoint
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/cache_result.h"
#include "proxy/http/client_info.h"
#include "proxy/http/exchange/body_pipe.h"
#include "proxy/http/exchange/open_tunnels.h"
#include "proxy/http/exchange/stall_watch.h"
#include "proxy/http/exchange/throttle.h"
#include "proxy/http/exchange/upload_watch.h"
#include "proxy/http/exchange/valve.h"
#include "proxy/http/exchange/websocket_frames.h"
#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

class Exchange;
struct FaultDetails;  // error_page.h

// Answers an exchange, which makes it by ExchangeContext::make_responder. Destroyed with the exchange or before it
// (cancellation).
class Responder {
 public:
  virtual ~Responder() = default;
  // Called once, from a waker and never from the codec. From then on, now or later, the responder calls
  // respond_interim() any number of times, then respond() once, and fills the response pipe up to its end. At any
  // point before that end it may call fail() instead; then it calls nothing more.
  virtual void start() = 0;
};

// An endpoint wanted its request to be run at another upstream (X-Delegate-To).
struct Delegation {
  enum class Result : std::uint8_t { kHandedOver, kRefused, kLoop, kLate };

  // Of whom the answer was that said so; the name lives as long as the routes that the exchange pins.
  std::string_view upstream;
  std::string endpoint;
  // Likewise; empty: `upstream` may hand requests to nobody of that name.
  std::string_view target;
  // Of that answer.
  std::uint16_t status = 0;
  // How long the request was there, waiting lines not included.
  Duration took{};
  Result result = Result::kRefused;
};
inline constexpr std::size_t kDelegationResultCount = 4;

constexpr std::string_view label(Delegation::Result result) {
  constexpr std::string_view kLabels[kDelegationResultCount] = {"handed_over", "refused", "loop", "late"};
  return kLabels[static_cast<std::size_t>(result)];
}

// What happened to an exchange, filled in by whoever learns it; for the access log and the metrics, which read it in
// on_end().
struct ExchangeRecord {
  // When the exchange was made: the head of the request was complete.
  MonotonicTime started{};
  WallTime started_wall{};
  // X-Request-Id, as the client sent it or as we made it.
  std::string request_id;
  // Names of the route and its upstream; they live as long as the routes that the exchange pins. Empty: none was
  // chosen.
  std::string_view route;
  std::string_view upstream;
  // Who the client has shown to be, on a route with `auth`; empty: nobody.
  std::string user;
  // By which scheme ("basic", or "none"), and what came of it; constant texts, empty where the route asks nobody.
  struct Auth {
    std::string_view scheme;
    std::string_view outcome;
  };
  Auth auth;
  // The last endpoint that was tried; empty: none was.
  std::string endpoint;
  // The process of that endpoint; 0: it is none of ours.
  int app_pid = 0;
  // What endpoints before it have made of the request, in their order; of the last one perhaps why it failed.
  std::vector<Delegation> delegations;
  // How often the request was given to a connection.
  std::uint32_t attempts = 0;
  // The last attempt had a connection that was kept from an earlier exchange.
  bool upstream_reused = false;
  // What the cache of its route did for it.
  CacheResult cache = CacheResult::kNone;
  // How long it waited in line, all times together.
  std::optional<Duration> queued;
  // How long the last connection that was made for it took to connect; nothing where none was made.
  std::optional<Duration> connected;
  // How long bytes waited for the bandwidth of the route, in both directions together.
  Duration throttled{};
  // From the start to the head of the answer.
  std::optional<Duration> first_byte;
  // As sent to the client; 499 if the client left before any.
  std::uint16_t status = 0;
  // Why it ended badly; nothing if it did not.
  std::optional<Fault> fault;
  int error = 0;  // errno, where the system said why; of the fault
};

// Told of every exchange of a worker, all of which it outlives. The calls come from inside the exchange, on_begin() and
// on_end() from its constructor and destructor: they must not touch its pipes, nor keep the reference beyond on_end().
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  // Called at most once per exchange, between the other two: it has become a tunnel.
  virtual void on_tunnel(const Exchange& /*exchange*/) {}
  // Called once per exchange, before its responder is made, and before a request that the codec refused has its
  // fault.
  virtual void on_begin(const Exchange& exchange) = 0;
  // Called once per exchange, after its responder is gone. The record is complete.
  virtual void on_end(const Exchange& exchange) = 0;
};

// What exchanges need of their worker. Outlives every exchange made with it.
struct ExchangeContext {
  EventLoop& loop;
  ExchangeObserver& observer;
  // Called at most once for an exchange, right before start(); never for one that has its fault by then. Never
  // returns null.
  std::move_only_function<std::unique_ptr<Responder>(Exchange&)> make_responder;
  OpenTunnels tunnels{};
};

class Exchange {
 public:
  // `client_waker` is woken whenever the client half may have something to do: an interim or final head, answer
  // bytes, room in the request pipe, a break. It outlives the exchange. The responder starts in a later waker of this
  // turn. The limits are the listener's until apply_limits().
  Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker);
  // A request that the codec could not accept: has its fault from the start and answers for it; no responder is made.
  // `head` holds what is known (for the log).
  Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker, Fault fault);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // --- client half ---

  // The body as the codec writes it. It is abandoned() once no byte of it is wanted any more: after a fault, and when
  // the answer ended first.
  BodyWriter& request_body() { return request_pipe_.writer(); }
  // The body of the answer. While there is something to take the client has to move: one that does not for
  // response_write_timeout, or is slower than min_response_rate, is broken off.
  BodyReader& response_body() { return response_pipe_.reader(); }
  // Who says how far the client has come, in what it acknowledged and asked for; not what the codec took.
  // Counts from `from`, which is how far it had come before this exchange.
  void follow_client(StallWatch::Progress progress, std::int64_t from) {
    clockwork_.response_stall.follow(std::move(progress), from);
  }
  // The client has stalled, or is too slow, which is the fault: breaks off even an answer that is complete on our side.
  // The responder is gone afterwards.
  void abandon_client(Fault fault);
  // Returns the next interim head, oldest first; nothing if there is none. An answer of ours for a fault
  // drops those that were not taken.
  std::optional<ResponseHead> take_interim();
  // Targets of its origin that the client will ask for because of this response: for a codec that can push.
  const std::vector<std::string>& proposed() const { return progress_.proposed; }
  // The final head, once there is one; it does not change any more.
  const std::optional<ResponseHead>& response() const { return response_; }
  // Set when the exchange broke after its head went out, or when its fault allows no answer: the codec resets the
  // stream, or closes the connection without the last chunk.
  std::optional<Fault> broken_off() const { return progress_.broken; }
  // What h2 and h3 reset the stream with. REQUIRES: broken_off()
  ResetCodes reset_codes() const { return progress_.codes.value_or(rule(*progress_.broken).codes); }
  // It is broken off because its client does not take the answer.
  bool client_stalled() const {
    return progress_.broken == Fault::kClientStalled || progress_.broken == Fault::kResponseTooSlow;
  }
  // The client's side failed while the request was still being read (bad chunk, wrong length, bad trailers): fails
  // the request pipe, and the exchange unless its answer has ended already. If it fails, the responder is gone
  // afterwards.
  void fail_request(Fault fault);
  // True once the answer is complete and the client half has read all of it.
  bool responded() const;
  // The answer has opened a tunnel: both bodies are bytes without framing, and each ends by itself. An end is a half
  // close; a tunnel that is half closed gets 30 seconds for its other half.
  bool in_tunnel() const { return response_ && response_->opens_tunnel(); }
  // It is a tunnel of which the responder still takes, or waits for, what the client sends: the end of the answer is not
  // its end.
  bool request_goes_on() const {
    return in_tunnel() && !request_pipe_.reader().at_end() && !request_pipe_.writer().abandoned();
  }
  // How long the client may take nothing, or little, of what waits for it. A tunnel and gRPC have no minimum rate.
  Patience patience() const;

  // --- responder's half ---

  // The head as the client sent it; request_rules rewrite its fields in place.
  const RequestHead& request() const { return request_; }
  RequestHead& request() { return request_; }
  const ClientInfo& client() const { return client_; }
  BodyPipe& request_pipe() { return request_pipe_; }
  BodyPipe& response_pipe() { return response_pipe_; }
  // Whether the client holds its body back until it is told 100. One that has begun to send it does not wait any more,
  // nor does one that has been told.
  bool awaits_continue() const;
  // Passes on what an endpoint says before its final head, and 100 once, if awaits_continue(): up to eight heads that
  // nobody has taken yet, none to HTTP/1.0, and none after respond(). 101 is dropped: nobody has asked for it.
  void respond_interim(ResponseHead head);
  // The client will ask for these targets of its own origin next. To be called before respond().
  void propose(std::vector<std::string> targets) { progress_.proposed = std::move(targets); }
  // Gives the final head; the body follows in response_pipe(), and its end as well. Framing, connection fields and a
  // foreign Alt-Svc are taken out; our own Alt-Svc, and Date where it is missing, are added. Does nothing after a
  // fault. A head that opens a tunnel is for requests that ask for one only. On h2 and h3 the client would take any other
  // success for a tunnel: such a request fails with kUpgradeRefused. REQUIRES: it is the first head, and no interim one.
  void respond(ResponseHead head);
  // Gives a complete answer of our own. `body` is copied, and left out where the answer can have none.
  void respond(ResponseHead head, std::string_view body);
  // Answers for the fault if no head went out (with Proxy-Status), else breaks off. The first fault counts, and one
  // that comes after the end of the answer was written counts for nothing. The responder must not touch the pipes
  // again; it is destroyed in a later waker. `details` are read during the call only.
  void fail(Fault fault);
  void fail(Fault fault, const FaultDetails& details);
  // The endpoint wants its answer reset with these codes (kResetByEndpoint): instead of it where no head went out, else
  // behind what of the body is in the pipe, whose end was written just now and counts for nothing.
  void reset(ResetCodes codes);
  // Puts the route's limits in force. False if what has come already, or is announced, is beyond them: then the
  // exchange has failed.
  bool apply_limits(const ExchangeLimits& limits);
  const ExchangeLimits& limits() const { return limits_; }
  // The client shall not learn of another protocol by this answer: its route is for HTTP/1.1 alone.
  void withhold_alt_svc() { progress_.withholds_alt_svc = true; }
  // The head of the answer carries this as WWW-Authenticate, by which the client sees who we are (RFC 4559 section 5).
  void prove(std::string challenge) { progress_.proof = std::move(challenge); }
  // From now on the bodies share this bandwidth, of what is pinned, with others. REQUIRES: the responder has not been
  // started
  void slow_down(RouteThrottle& throttle);
  // Keeps `snapshot` (the routes) alive as long as the exchange, for what refers to it by reference or view.
  void pin(std::shared_ptr<const void> snapshot) { clockwork_.pinned = std::move(snapshot); }

  // We end the tunnel: both sides of a WebSocket are told so where their last frame has ended (Close 1001), and both
  // halves end; where that cannot be said it breaks off with kDrained. REQUIRES: in_tunnel()
  void leave_tunnel();

  // --- both ---
  ExchangeRecord& record() { return record_; }
  const ExchangeRecord& record() const { return record_; }
  EventLoop& loop() const { return clockwork_.context.loop; }
  // Body bytes that came from the client, dropped ones included.
  std::uint64_t bytes_in() const { return request_pipe_.writer().total(); }
  // Body bytes that the client half has taken.
  std::uint64_t bytes_out() const { return response_pipe_.reader().total(); }

 private:
  // What a tunnel has besides.
  struct Tunnel {
    explicit Tunnel(Exchange& exchange);
    // Nothing has come from either side for too long.
    Timer idle;
    std::uint64_t moved = 0;
    WebSocketFrames from_client;
    WebSocketFrames from_server;
    OpenTunnels::Entry entry;
  };
  // Of a route with a bandwidth.
  struct Valves {
    Valves(Exchange& exchange, RouteThrottle& throttle);
    Valve request;
    Valve response;
  };
  // How far it has come.
  struct Progress {
    // Or never to be started.
    bool started = false;
    bool failed = false;
    bool stall_suspected = false;
    bool withholds_alt_svc = false;
    std::string proof;
    std::optional<Fault> broken;
    // Where the endpoint has chosen them.
    std::optional<ResetCodes> codes;
    std::vector<ResponseHead> interim;
    std::vector<std::string> proposed;
  };
  // What makes it move: the wakers of both halves, and the timers for a client that sends or reads nothing.
  struct Clockwork {
    Clockwork(Exchange& exchange, ExchangeContext& context, Waker& client);
    ExchangeContext& context;
    Waker& client;
    // Starts the responder; destroys it after a fault.
    Waker step;
    // Runs after either pipe moved, when the turn's work is done.
    Waker watch;
    UploadWatch request_watch;
    StallWatch response_stall;
    std::unique_ptr<Tunnel> tunnel;
    std::shared_ptr<const void> pinned;
    // The throttle is of what is pinned.
    std::unique_ptr<Valves> valves;
  };

  void step();
  void watch();
  void watch_request_body();
  void watch_response_body();
  void watch_tunnel();
  // The pipe of the answer has failed, and nobody has said why.
  void settle_failed_response();
  void open_tunnel();
  // Whether the client is what is waited for: it has not sent all, and there is room for more.
  bool awaits_request() const;
  // Both sides have said all that they have to say.
  bool complete() const;
  std::uint64_t request_limit() const;
  // Not for the responder, which is gone afterwards.
  void fail_and_cancel(Fault fault);
  // There is no answer, or no more of it.
  void break_off(Fault fault);
  // Answers with an error page.
  void respond_for(Fault fault, const FaultDetails& details);
  // Adds Date and Alt-Svc, and takes out what no answer may carry.
  void finish_head(ResponseHead& head) const;
  void expect_no_more_request();

  ClientInfo client_;
  RequestHead request_;
  ExchangeLimits limits_;
  ExchangeRecord record_;
  Progress progress_;
  std::optional<ResponseHead> response_;
  BodyPipe request_pipe_;
  BodyPipe response_pipe_;
  Clockwork clockwork_;
  // The last member: the first to go.
  std::unique_ptr<Responder> responder_;
};

}  // namespace gatehouse
