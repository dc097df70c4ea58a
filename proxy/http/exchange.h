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
#include "proxy/http/body_pipe.h"
#include "proxy/http/client_info.h"
#include "proxy/http/fault.h"
#include "proxy/http/message.h"

namespace gatehouse {

class Exchange;
struct FaultDetails;  // error_page.h

// Answers an exchange; owned by it, destroyed with it or before it (cancellation).
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void start() = 0;  // called once, from a waker, not from the codec
};

// What happened to an exchange, filled in by whoever learns it; for the access log and the metrics.
struct ExchangeRecord {
  MonotonicTime started{};  // first byte of the request, or as near as the codec knows
  WallTime started_wall{};
  std::string request_id;  // X-Request-Id
  std::string_view route;  // names live as long as the snapshot that the exchange pins
  std::string_view upstream;
  std::string endpoint;
  int app_pid = 0;  // of the endpoint's process; 0: none of ours
  std::uint32_t attempts = 0;
  bool upstream_reused = false;
  std::optional<Duration> queued;      // waiting in line
  std::optional<Duration> connected;   // connecting (new connections only)
  std::optional<Duration> first_byte;  // from the start to the head of the answer
  std::uint16_t status = 0;            // as sent to the client; 499 if it left before any
  std::optional<Fault> fault;
};

// Told of every exchange that ended; one per worker. Must not touch the exchange's pipes.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  virtual void on_begin(const Exchange& exchange) = 0;
  virtual void on_end(const Exchange& exchange) = 0;
};

// What exchanges need of their worker. Outlives every exchange made with it.
struct ExchangeContext {
  EventLoop& loop;
  ExchangeObserver& observer;
  std::move_only_function<std::unique_ptr<Responder>(Exchange&)> make_responder;  // never null results
};

class Exchange {
 public:
  // `client_waker` is woken whenever the client half may have something to do: an interim or final head, answer bytes,
  // room in the request pipe, a break. The responder starts in a later waker of this turn. It outlives the exchange.
  Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker);
  // A request that the codec could not accept: has its fault from the start and answers for it; no responder is made.
  // `head` holds what is known (for the log).
  Exchange(ExchangeContext& context, ClientInfo client, RequestHead head, Waker& client_waker, Fault fault);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // --- client half ---
  // abandoned() once no byte of it is wanted any more: after a fault, and when the answer ended first.
  BodyWriter& request_body() { return request_pipe_.writer(); }
  BodyReader& response_body() { return response_pipe_.reader(); }
  std::optional<ResponseHead> take_interim();  // 100 or 103, oldest first
  const std::optional<ResponseHead>& response() const { return response_; }
  // Set when the exchange broke after its head went out, or when its fault allows no answer: reset the stream, or close
  // without the last chunk.
  std::optional<Fault> broken_off() const { return progress_.broken; }
  // The client's side failed while the request was still being read (bad chunk, wrong length, bad trailers).
  void fail_request(Fault fault);
  // True once the answer is complete and the client half has read all of it.
  bool responded() const;

  // --- responder's half ---
  const RequestHead& request() const { return request_; }
  RequestHead& request() { return request_; }  // request_rules rewrite it in place
  const ClientInfo& client() const { return client_; }
  BodyPipe& request_pipe() { return request_pipe_; }
  BodyPipe& response_pipe() { return response_pipe_; }
  void respond_interim(ResponseHead head);                 // 100 if it was asked for, 103; others are dropped
  void respond(ResponseHead head);                         // then write to response_pipe()
  void respond(ResponseHead head, std::string_view body);  // a complete answer of our own
  // Answers for it if no head went out (with Proxy-Status), else breaks off; the first one counts. The responder must
  // not touch the pipes again; it is destroyed in a later waker.
  void fail(Fault fault);
  void fail(Fault fault, const FaultDetails& details);  // `details` are read during the call only
  // The route's limits. False if what has already come is beyond them: then the exchange has failed.
  bool apply_limits(const ExchangeLimits& limits);
  const ExchangeLimits& limits() const { return limits_; }
  void pin(std::shared_ptr<const void> snapshot) { clockwork_.pinned = std::move(snapshot); }

  // --- both ---
  ExchangeRecord& record() { return record_; }
  const ExchangeRecord& record() const { return record_; }
  EventLoop& loop() const { return clockwork_.context.loop; }
  std::uint64_t bytes_in() const { return request_pipe_.writer().total(); }    // body bytes from the client
  std::uint64_t bytes_out() const { return response_pipe_.reader().total(); }  // body bytes taken by the client half

 private:
  // How far it has come.
  struct Progress {
    bool started = false;  // or never to be started
    bool failed = false;
    bool stall_suspected = false;
    std::optional<Fault> broken;
    std::vector<ResponseHead> interim;
  };
  // What makes it move: the wakers of both halves, and the timers for a client that sends or reads nothing.
  struct Clockwork {
    Clockwork(Exchange& exchange, ExchangeContext& context, Waker& client);
    ExchangeContext& context;
    Waker& client;
    Waker step;   // starts the responder; destroys it after a fault
    Waker watch;  // after either pipe moved, when the turn's work is done
    Timer request_stall;
    Timer response_stall;
    std::uint64_t request_seen = 0;
    std::uint64_t response_seen = 0;
    std::shared_ptr<const void> pinned;
  };

  void step();
  void watch();
  void watch_request_body();
  void watch_response_body();
  void fail_and_cancel(Fault fault);                           // not from the responder, which is gone afterwards
  void abandon_client();                                       // which does not read
  void break_off(Fault fault);                                 // no answer, or no more of it
  void respond_for(Fault fault, const FaultDetails& details);  // with an error page
  void finish_head(ResponseHead& head) const;                  // Date, Alt-Svc, what no answer may carry
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
  std::unique_ptr<Responder> responder_;  // last: the first to go
};

}  // namespace gatehouse
