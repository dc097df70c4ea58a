// A client connection that speaks HTTP/1.0 or 1.1: one exchange at a time, pipelined requests in their order. Owned by
// its listener's connection list; one loop's thread.
//
//   stream -> input_ -> parser_ -> exchange_ request body        pipelined input waits in input_, bounded
//   stream <- output_ <- response_ <- exchange_ answer           one write a turn: head, body and the next answer
//                                                                together
//
// A client that closes its half after a complete request: over TLS it has gone (close_notify), and the exchange is
// cancelled. Over cleartext it may still read (RFC 9112 section 9.6) and is answered, if the answer begins within 5 s;
// a client that is really gone is found out by the write that fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/h1/h1_response.h"
#include "proxy/http/h1_parser.h"

namespace gatehouse {

class H1Connection final : public ClientConnection, private ByteStream::User {
 public:
  // `received` is what was read of the stream already. Begins on its own, in a waker.
  H1Connection(ListenerContext& context, ClientTransport transport, Buffer received = {});
  ~H1Connection() override;

  void drain() override;
  Standing standing() const override;
  bool unread() const override { return transport_.stream->unread(); }
  void close_now() override;

 private:
  enum class Waiting : std::uint8_t {
    kForNothing,
    kForRequest,
    kForOnlyRequest,
    kForHead,
    kForResponseToHalfClosed,
    kForRoom
  };
  struct State {
    bool request_ended = false;  // of the current exchange
    bool deaf = false;           // nothing more is read: a fault, or the client closed its half
    bool half_closed = false;
    bool draining = false;
    bool blocked = false;  // the stream will call on_writable()
    bool closed = false;
    Waiting waiting = Waiting::kForNothing;
    std::uint64_t requests = 0;
    std::size_t read_this_turn = 0;
  };

  void on_readable() override;
  void on_writable() override;
  void progress();
  void flush();
  void on_timer();

  void receive();
  bool wants_input();
  void parse();
  bool may_parse();
  void take_body(const H1Parser::Step& step);
  void begin_exchange();
  void end_request();
  void reject(Fault fault);
  void fail_parse();
  void on_half_close();

  void advance_response();
  bool may_keep_alive() const;
  void end_exchange();
  void break_off();

  bool idle() const;
  bool may_leave() const;
  Waiting waiting_for() const;
  void set_timer();
  void finish();  // the last answer is in output_: FIN after it
  void close_quietly();
  void close();

  ListenerContext& context_;
  ClientTransport transport_;
  H1Parser parser_;
  Buffer input_;
  Buffer output_;
  State state_;
  H1Response response_;
  Waker progress_;
  Waker flush_;
  Timer timer_;
  Timer next_turn_;
  std::optional<Exchange> exchange_;  // last: uses the wakers
};

}  // namespace gatehouse
