// HTTP/1.1 to an endpoint over TCP or a Unix socket, one exchange at a time; both bodies move here, from pipe to socket
// and back, in both directions at once. Owned by a Lease while an exchange uses it, by its Pool while idle; one loop's
// thread. It is fit for another exchange only if the last one ended without any doubt about where it ended.
//
//   new -begin-> connecting -> busy -on_done(true)-> idle -begin-> busy ...
//                    |           |                    |
//                    +-----------+------ dead --------+   (the owner retires it)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/byte_stream.h"
#include "common/clock.h"
#include "common/tcp_stream.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/http/body_pipe.h"
#include "proxy/http/fault.h"
#include "proxy/http/limits.h"
#include "proxy/http/message.h"
#include "proxy/upstream/connector.h"
#include "proxy/upstream/descriptor_budget.h"
#include "proxy/upstream/endpoint.h"
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
    bool reused = false;     // the connection had carried an exchange before
    bool responded = false;  // at least one byte of an answer came
    bool unread = false;     // the endpoint has provably not read the whole head (Unix sockets only)
    bool unsent = false;     // not a byte of the request has left
    int error = 0;           // errno, where our own machine refused (kOutOfResources)
  };

  // Who has the exchange. Each call is the connection's last statement: the user may drop it.
  class User {
   public:
    virtual void on_connected(Duration took) = 0;    // new connections only
    virtual void on_interim(ResponseHead head) = 0;  // 103
    virtual void on_head(ResponseHead head) = 0;
    virtual void on_done(bool reusable) = 0;  // the response pipe has been finished
    virtual void on_fault(const Failure& failure) = 0;

   protected:
    ~User() = default;
  };

  struct Turn {
    const RequestHead& head;  // read during begin() only
    BodyPipe& body;
    BodyPipe& response;
    const ExchangeLimits& limits;  // outlives the turn
  };

  enum class IdleEnd : std::uint8_t {
    kTimedOut,
    kClosed,  // by the endpoint
    kSpoke,   // the endpoint has sent what nobody asked for
  };

  // `idle_ended` is called when an idle connection has become useless. `permit` is held until the socket is closed.
  UpstreamConnection(EventLoop& loop, std::shared_ptr<Endpoint> endpoint,
                     std::move_only_function<void(UpstreamConnection&, IdleEnd)> idle_ended,
                     DescriptorBudget::Permit permit = {});
  ~UpstreamConnection();
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  // Begins to connect if need be. False, and nothing done: the head cannot be written safely (kRequestNotWritable).
  // Never calls the user before it returns. REQUIRES: new, or idle.
  [[nodiscard]] bool begin(const Turn& turn, User& user);
  // Forgets the user and both pipes; nothing will be sent, read or called any more. For discarding.
  void abandon();
  // After on_done(true): how long it may stay idle. The endpoint's own Keep-Alive: timeout= may shorten that.
  void rest(Duration at_most);
  bool reused() const { return history_.carried > 0; }
  // Whether the endpoint has sent more than its answers: nothing that comes on this connection belongs to anybody.
  bool has_extra_bytes() const { return history_.extra_bytes; }
  Duration idle_for() const;  // REQUIRES: idle

 private:
  enum class State : std::uint8_t { kNew, kConnecting, kBusy, kIdle, kDead };
  enum class Wait : std::uint8_t { kNothing, kConnect, kTurn, kResponse, kResponseBody, kIdle };
  struct History {
    std::uint64_t carried = 0;              // exchanges, the current one not included
    MonotonicTime since{};                  // connecting, or idle
    Duration keep_alive = Duration::max();  // what the endpoint has said, less a margin
    bool extra_bytes = false;
  };
  struct Waiting {  // what the timer stands for, and how far things were when it was set
    Wait what = Wait::kNothing;
    std::uint64_t moved = 0;  // for kTurn: how many turns are left
  };

  void on_readable() override;
  void on_writable() override;
  void on_connect(Connector::Outcome outcome);
  void pump();
  bool send();
  bool is_silent();
  bool is_unasked() const;
  void wait_for_turn();
  void on_head();
  void finish();
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
  Waker waker_;  // either pipe has moved, or there is more to do
  Timer timer_;
  struct Wire {
    RequestSender sender;
    ResponseReader response;
    std::unique_ptr<Connector> connector;
    std::unique_ptr<TcpStream> stream;
  };
  Wire wire_;
};

}  // namespace gatehouse
