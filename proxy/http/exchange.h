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
#include "proxy/http/stall_watch.h"

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
  // The last endpoint that was tried; empty: none was.
  std::string endpoint;
  // The process of that endpoint; 0: it is none of ours.
  int app_pid = 0;
  // How often the request was given to a connection.
  std::uint32_t attempts = 0;
  // The last attempt had a connection that was kept from an earlier exchange.
  bool upstream_reused = false;
  // How long it waited in line, all times together.
  std::optional<Duration> queued;
  // How long the last connection that was made for it took to connect; nothing where none was made.
  std::optional<Duration> connected;
  // From the start to the head of the answer.
  std::optional<Duration> first_byte;
  // As sent to the client; 499 if the client left before any.
  std::uint16_t status = 0;
  // Why it ended badly; nothing if it did not.
  std::optional<Fault> fault;
  int error = 0;  // errno, where the system said why; of the fault
};

// Told of every exchange of a worker, all of which it outlives. Both calls come from inside the exchange's
// constructor or destructor: they must not touch its pipes, nor keep the reference beyond on_end().
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
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
  // response_write_timeout is broken off.
  BodyReader& response_body() { return response_pipe_.reader(); }
  // Who says how far the client has come, in what it acknowledged and asked for; not what the codec took.
  void follow_client(StallWatch::Progress progress) { clockwork_.response_stall.follow(std::move(progress)); }
  // The client has stalled: breaks off even an answer that is complete on our side. The responder is gone afterwards.
  void abandon_client();
  // Returns the next interim head, 100 or 103, oldest first; nothing if there is none. An answer of ours for a fault
  // drops those that were not taken.
  std::optional<ResponseHead> take_interim();
  // The final head, once there is one; it does not change any more.
  const std::optional<ResponseHead>& response() const { return response_; }
  // Set when the exchange broke after its head went out, or when its fault allows no answer: the codec resets the
  // stream, or closes the connection without the last chunk.
  std::optional<Fault> broken_off() const { return progress_.broken; }
  // The client's side failed while the request was still being read (bad chunk, wrong length, bad trailers): fails
  // the request pipe, and the exchange unless its answer has ended already. If it fails, the responder is gone
  // afterwards.
  void fail_request(Fault fault);
  // True once the answer is complete and the client half has read all of it.
  bool responded() const;

  // --- responder's half ---

  // The head as the client sent it; request_rules rewrite its fields in place.
  const RequestHead& request() const { return request_; }
  RequestHead& request() { return request_; }
  const ClientInfo& client() const { return client_; }
  BodyPipe& request_pipe() { return request_pipe_; }
  BodyPipe& response_pipe() { return response_pipe_; }
  // Passes on 103, and 100 if the client asked for it: up to eight that nobody has taken yet, none to HTTP/1.0, and
  // none after respond(). All others are dropped.
  void respond_interim(ResponseHead head);
  // Gives the final head; the body follows in response_pipe(), and its end as well. Framing, connection fields and a
  // foreign Alt-Svc are taken out; our own Alt-Svc, and Date where it is missing, are added. Does nothing after a
  // fault. REQUIRES: it is the first head, and no interim one.
  void respond(ResponseHead head);
  // Gives a complete answer of our own. `body` is copied, and left out where the answer can have none.
  void respond(ResponseHead head, std::string_view body);
  // Answers for the fault if no head went out (with Proxy-Status), else breaks off. The first fault counts, and one
  // that comes after the end of the answer was written counts for nothing. The responder must not touch the pipes
  // again; it is destroyed in a later waker. `details` are read during the call only.
  void fail(Fault fault);
  void fail(Fault fault, const FaultDetails& details);
  // Puts the route's limits in force. False if what has come already, or is announced, is beyond them: then the
  // exchange has failed.
  bool apply_limits(const ExchangeLimits& limits);
  const ExchangeLimits& limits() const { return limits_; }
  // Keeps `snapshot` (the routes) alive as long as the exchange, for what refers to it by reference or view.
  void pin(std::shared_ptr<const void> snapshot) { clockwork_.pinned = std::move(snapshot); }

  // --- both ---
  ExchangeRecord& record() { return record_; }
  const ExchangeRecord& record() const { return record_; }
  EventLoop& loop() const { return clockwork_.context.loop; }
  // Body bytes that came from the client, dropped ones included.
  std::uint64_t bytes_in() const { return request_pipe_.writer().total(); }
  // Body bytes that the client half has taken.
  std::uint64_t bytes_out() const { return response_pipe_.reader().total(); }

 private:
  // How far it has come.
  struct Progress {
    // Or never to be started.
    bool started = false;
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
    // Starts the responder; destroys it after a fault.
    Waker step;
    // Runs after either pipe moved, when the turn's work is done.
    Waker watch;
    Timer request_stall;
    StallWatch response_stall;
    std::uint64_t request_seen = 0;
    std::shared_ptr<const void> pinned;
  };

  void step();
  void watch();
  void watch_request_body();
  void watch_response_body();
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
