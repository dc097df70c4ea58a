// HTTP/1.1 to an endpoint over TCP, TLS or a Unix socket, one exchange at a time; both bodies move here, from pipe to socket
// and back, in both directions at once. Owned by a Lease while an exchange uses it, by its Pool while idle, or by a
// Probe, which asks once and never reuses it; one loop's thread. It is fit for another exchange only if the last one
// ended without any doubt about where it ended.
//
//   new -begin-> connecting -> busy -on_done(true)-> idle -begin-> busy ...
//                    |           |                    |
//                    +-----------+------ dead --------+   (the owner retires it)
//
// All callbacks come from within its own frames: whoever drops it there retires it (EventLoop::retire) rather than
// destroy it at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "common/byte_stream.h"
#include "common/clock.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/exchange/body_pipe.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"
#include "proxy/upstream/connector.h"
#include "proxy/upstream/descriptor_budget.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/endpoint_stream.h"
#include "proxy/upstream/request_sender.h"
#include "proxy/upstream/response_reader.h"

namespace gatehouse {

class EventLoop;

// What an endpoint sends behind an answer, in a segment of its own, must not be taken for the answer to the next
// request. So that request leaves in a later turn than the one in which the answer ended, and only after the socket
// itself has said, right before, that nothing has come. If something has, not a byte of the request has left, and it
// goes to another connection. What crosses with the request is told by TCP: an answer acknowledges some of its request.
class UpstreamConnection final : private ByteStream::User {
 public:
  // How an exchange failed, with what a retry must know.
  struct Failure {
    Fault fault;
    // The connection had carried an exchange before.
    bool reused = false;
    // At least one byte of an answer came.
    bool responded = false;
    // The endpoint has provably not read the whole head (Unix sockets only).
    bool unread = false;
    // There was a connection, and not a byte of the request has left on it.
    bool unsent = false;
    // The errno of a connect that failed; 0: there is none.
    int error = 0;
  };

  // Who has the exchange. For each begin() that returned true the calls come in this order:
  //
  //   on_connected, at most once -> on_interim, any number -> on_head, once -> on_done, once
  //
  // or end at any point with on_fault, once. Nothing is called after on_done(), on_fault() or abandon(). Each call is
  // the connection's last statement: the user may drop it.
  class User {
   public:
    // The connection is there, after so long. New connections only.
    virtual void on_connected(Duration took) = 0;
    // An interim answer has come: 100 once, and at most eight others, before the head.
    virtual void on_interim(ResponseHead head) = 0;
    // The final head has come. The body is on its way through the response pipe, which the user need not touch. If it
    // opens a tunnel (only where the turn asked for one), the request pipe is read from now on, and both go on, each to
    // an end of its own.
    virtual void on_head(ResponseHead head) = 0;
    // The response pipe has been finished. `reusable`: the connection is idle, and the owner calls rest() or begin(),
    // or drops it; otherwise it is dead. If the request was not sent to its end, its pipe has been abandoned.
    virtual void on_done(bool reusable) = 0;
    // The exchange has failed and the connection is dead. Neither pipe is ended by that: whether the request goes
    // elsewhere, or the response is broken off, is the user's decision.
    virtual void on_fault(const Failure& failure) = 0;

   protected:
    ~User() = default;
  };

  // What one exchange brings. The pipes and the limits outlive the exchange, or abandon() is called before they go.
  struct Turn {
    // Read during begin() only, as is what lies over it.
    const RequestHead& head;
    RequestOverlay overlay = {};
    BodyPipe& body;
    BodyPipe& response;
    // The endpoint asks for the body before any of it is sent: release_body().
    bool holds_body = false;
    // What a new connection begins with, before TLS. Read during begin() only.
    std::string_view introduction = {};
    // Of them the times for connecting, for the head of an answer, and between bytes of its body.
    const ExchangeLimits& limits;
    Tolerance tolerance = Tolerance::kStrict;
  };

  // Why an idle connection is of no use any more.
  enum class IdleEnd : std::uint8_t {
    kTimedOut,
    // The endpoint has closed it.
    kClosed,
    // The endpoint has sent what nobody asked for.
    kSpoke,
  };

  // Does not connect yet. `idle_ended` is called, from the loop and once, when an idle connection has become useless;
  // the owner drops it then. `permit` is held until the socket is closed.
  UpstreamConnection(EventLoop& loop, std::shared_ptr<Endpoint> endpoint,
                     std::move_only_function<void(UpstreamConnection&, IdleEnd)> idle_ended,
                     DescriptorBudget::Permit permit = {});
  ~UpstreamConnection();
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  // Begins to connect if need be. False, and nothing done: the head cannot be written safely (kRequestNotWritable).
  // Never calls the user before it returns. REQUIRES: new, or idle.
  [[nodiscard]] bool begin(const Turn& turn, User& user);
  // The endpoint has asked for the body that was held. REQUIRES: the exchange is under way.
  void release_body();
  // For on_head(), in place of all that would follow: what has come of the body is dropped, and nothing more is read. Neither
  // pipe is touched. Returns whether the connection is idle, as after on_done(true): the answer has ended, the request was
  // sent to its end. Else it is dead.
  bool drop_response();
  // What is left of the answer goes to this pipe, which outlives the exchange, instead of its own, which is somebody
  // else's from then on. REQUIRES: within on_head()
  void divert_response(BodyPipe& to) { wire_.response.divert(to, waker_); }
  // Forgets the user and both pipes; nothing will be sent, read or called any more. For discarding.
  void abandon();
  // After on_done(true): how long it may stay idle. The endpoint's own `Keep-Alive: timeout=` may shorten that.
  // REQUIRES: idle.
  void rest(Duration at_most);
  // It has carried an exchange to its end; so an exchange that is begun now, or is on its way, is not its first.
  bool reused() const { return history_.carried > 0; }
  // What the trailers of the answer that has just ended said in X-Reset-Code; empty: nothing.
  std::string_view reset_said() const { return wire_.response.reset_said(); }
  // What had to be put right in what the endpoint has said so far.
  Repairs repairs() const { return wire_.response.repairs(); }
  // Whether the endpoint has sent more than its answers: nothing that comes on this connection belongs to anybody.
  bool has_extra_bytes() const { return history_.extra_bytes; }
  // How long it has rested. REQUIRES: idle, and rest() was called.
  Duration idle_for() const;

 private:
  enum class State : std::uint8_t { kNew, kConnecting, kBusy, kIdle, kDead };
  enum class Wait : std::uint8_t { kNothing, kConnect, kTurn, kResponse, kResponseBody, kIdle };
  struct History {
    // Exchanges, the current one not included.
    std::uint64_t carried = 0;
    // When it began to connect, or to be idle.
    MonotonicTime since{};
    // What the endpoint has said, less a margin.
    Duration keep_alive = Duration::max();
    bool extra_bytes = false;
  };
  // What the timer stands for, and how far things were when it was set.
  struct Waiting {
    Wait what = Wait::kNothing;
    // Bytes, in both directions together; for kTurn: how many turns are left.
    std::uint64_t moved = 0;
  };

  void on_readable() override;
  void on_writable() override;
  void on_connect(Connector::Outcome outcome);
  void fail_to_connect(const Connector::Failure& failure);
  void pump();
  bool send();
  bool is_silent();
  bool is_unasked() const;
  void wait_for_turn();
  void on_head();
  void end_tunnel();
  void finish();
  // Returns whether it is idle then, rather than dead. `ended`: the answer has come to its end.
  bool come_to_rest(bool ended);
  void fail(Fault fault, int error = 0);
  void set_timer();
  Wait waits_for() const;
  void wait(Wait what, Duration at_most);
  void expire();
  void learn_keep_alive(const FieldList& fields);
  bool provably_unread() const;

  EventLoop& loop_;
  const DescriptorBudget::Permit permit_;
  std::shared_ptr<Endpoint> endpoint_;
  std::move_only_function<void(UpstreamConnection&, IdleEnd)> idle_ended_;
  State state_ = State::kNew;
  History history_;
  Waiting waiting_;
  User* user_ = nullptr;
  const ExchangeLimits* limits_ = nullptr;
  // Woken when either pipe has moved, or there is more to do.
  Waker waker_;
  Timer timer_;
  struct Wire {
    RequestSender sender;
    // Of the exchange that is under way.
    BodyPipe* request = nullptr;
    ResponseReader response;
    std::unique_ptr<Connector> connector;
    std::optional<EndpointStream> stream;
  };
  Wire wire_;
};

}  // namespace gatehouse
