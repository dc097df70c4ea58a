// A client connection that speaks HTTP/1.0 or 1.1: one exchange at a time, pipelined requests in their order. Owned
// by its listener's connection list; one loop's thread.
//
//   stream --> input_ --> parser_ ---> exchange_: request body      pipelined input waits in input_, bounded
//   stream <-- output_ <-- response_ <-- exchange_: answer          one write a turn: head, body and the next answer
//
// A client that ends its half may still read (RFC 9112 section 9.6), or may have gone. Over TLS, in the middle of a
// request, or once it has acknowledged a byte of the answer that runs, it has gone; an older end is only that, and what
// was asked before it is answered, unless the route has it otherwise. An answer that breaks off never looks like a clean
// end. What comes behind a request for another protocol waits in input_: with 101 it is the tunnel's, else the next
// request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/h1/h1_response.h"
#include "proxy/http/exchange/stall_watch.h"
#include "proxy/http/h1/h1_parser.h"

namespace gatehouse {

class H1Connection final : public ClientConnection, private ByteStream::User {
 public:
  // `received` is what was read of the stream already. Begins on its own, in a waker.
  H1Connection(ListenerContext& context, ClientTransport transport, Buffer received = {});
  ~H1Connection() override;

  // The answer that runs says Connection: close if its head has not been written yet, and the connection ends after
  // it. An idle one ends at once; one that has had no request has kOnlyRequestGrace for it.
  void drain() override;
  Standing standing() const override;
  bool unread() const override { return transport_.stream->unread(); }
  // An answer that has begun is cut off by a reset.
  void close_now() override;

 private:
  // What the one timer is for, and what its end does.
  enum class Waiting : std::uint8_t {
    // No timer: an exchange runs and has timeouts of its own, or the client has to take an answer.
    kForNothing,
    // The idle timeout; then the connection is closed.
    kForRequest,
    // Draining: kOnlyRequestGrace; then likewise.
    kForOnlyRequest,
    // The header timeout; then the request is answered with kHeaderTimeout.
    kForHead
  };
  struct State {
    // Of the current exchange.
    bool request_ended = false;
    // Nothing more is read: a fault, or the client closed its half.
    bool deaf = false;
    // The client ended its half, perhaps behind what is still unread, and is answered still.
    bool half_closed = false;
    // The answer has opened one.
    bool tunnel = false;
    // Of our half of the tunnel: FIN behind what is in output_, and then nothing more.
    enum class Half : std::uint8_t { kOpen, kEnding, kEnded } half = Half::kOpen;
    bool draining = false;
    // The stream will call on_writable(), if the client does not stall.
    bool blocked = false;
    bool closed = false;
    Waiting waiting = Waiting::kForNothing;
    // Since the connection began.
    std::uint64_t requests = 0;
    // Bytes; beyond 256 KiB the other connections of the loop come first.
    std::size_t read_this_turn = 0;
    // How many bytes the stream will have taken when the answer that runs begins.
    std::int64_t response_begins = 0;
  };
  struct Timers {
    explicit Timers(H1Connection& connection);
    Timer waiting;
    Timer next_turn;
    StallWatch stall;
  };

  void on_readable() override;
  void on_writable() override;
  void on_peer_ended() override;
  bool follows_peer() const override { return true; }
  // The exchange's waker: more room for the request, or more of the answer.
  void progress();
  // The one write of a turn.
  void flush();
  // Whether it is the client that an answer waits for.
  void watch_client();
  void on_timer();
  // The client takes nothing of an answer: a reset.
  void on_stalled();

  // Reads and parses until there is nothing, or the exchange has no room.
  void receive();
  bool wants_input();
  void parse();
  bool may_parse();
  void take_body(const H1Parser::Step& step);
  void begin_exchange();
  void begin_for_strayed(RawRequest raw, std::expected<RequestHead, Fault> head);
  void end_request();
  void reject(Fault fault);
  void fail_parse();
  // The end of the client's half was read.
  void on_half_close();
  // Whether that end, as far as can be told now, is the client's own. Asked once when it is noticed, and again once the
  // route is known.
  bool has_gone() const;
  // The client has gone: what runs for it is cancelled.
  void give_up();
  // The answer to a request that asks for a tunnel is known: what follows is the tunnel's, or the next request.
  void settle_tunnel();
  void take_tunnel();
  // Returns true if the tunnel goes on in the other direction.
  bool half_closes_tunnel();

  void advance_response();
  bool may_keep_alive() const;
  void end_exchange();
  // The answer ends here, incomplete.
  void break_off();

  bool idle() const;
  bool may_leave() const;
  Waiting waiting_for() const;
  void set_timer();
  // The last answer is in output_: FIN after it.
  void finish();
  // FIN, and nothing lingers: no answer is under way.
  void close_quietly();
  // Last statement.
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
  Timers timers_;
  // Last: uses the wakers.
  std::optional<Exchange> exchange_;
};

}  // namespace gatehouse
