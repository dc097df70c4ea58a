// HTTP/3 on one QUIC connection, by nghttp3: frames and QPACK on one side, streams with their exchanges on the other.
// Owned by the QuicConnection, which feeds it what arrived and pulls what is to be sent; decides nothing that h1 and
// h2 do not. One loop's thread. A negative outcome of nghttp3 ends the connection (that is what its errors mean).
//
//   ngtcp2 -- opened, received, client_reset, closed --> H3Session -- nghttp3 --> H3Stream --> Exchange
//   ngtcp2 <-- next; then sent, blocked or unwritable -- H3Session <- nghttp3 --- H3Stream <-- Exchange
//   H3Session -- H3Transport: wake_flush, credits, reset, stop_sending, busy, finish --> QuicConnection
//
// A call that returns an error Code was the last but cancel_all(): the connection closes with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include <nghttp3/nghttp3.h>

#include "common/timer.h"
#include "proxy/frontend/abuse_guard.h"
#include "proxy/frontend/h3/h3_options.h"
#include "proxy/frontend/h3/h3_table_screen.h"
#include "proxy/frontend/h3/h3_transport.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/http/client_info.h"
#include "proxy/http/message.h"

namespace gatehouse {

class H3Stream;

class H3Session {
 public:
  // An error code of HTTP/3 (RFC 9114 section 8.1).
  using Code = std::uint64_t;
  // Our unidirectional streams (RFC 9114 section 6.2).
  struct OwnStreams {
    std::int64_t control = -1;
    std::int64_t encoder = -1;
    std::int64_t decoder = -1;
  };
  // Who is at the other end. `client` is updated by the connection when the handshake is complete and when a new path
  // has been validated; exchanges take what it says when they begin.
  struct Peer {
    ClientInfo client;
    std::shared_ptr<const TlsContexts> contexts;
  };
  // Bytes for one stream, good until the next call of the session.
  struct Piece {
    static constexpr std::size_t kMaxParts = 16;
    // -1: nothing to send.
    std::int64_t stream = -1;
    // The stream ends with these bytes.
    bool fin = false;
    std::size_t parts = 0;
    std::array<nghttp3_vec, kMaxParts> part;
  };

  // `transport` owns the session; `options` outlive it.
  H3Session(ListenerContext& context, H3Transport& transport, const H3Options& options, Peer peer);
  ~H3Session();
  H3Session(const H3Session&) = delete;
  H3Session& operator=(const H3Session&) = delete;

  // Queues our SETTINGS. Once, before all else. Returns false if nghttp3 cannot be set up, and the connection fails.
  [[nodiscard]] bool start(const OwnStreams& streams);

  // --- what arrived ---

  // The client has opened a request stream. Once for each, before anything else of it.
  void opened(std::int64_t stream);
  // The next bytes of a stream of the client's, in order. Credits are given here for all but request bodies, whose
  // bytes are credited as they are taken.
  std::expected<void, Code> received(std::int64_t stream, std::span<const std::uint8_t> bytes, bool fin);
  // RESET_STREAM has come: the exchange is cancelled, and our half is reset too. closed() still follows.
  void client_reset(std::int64_t stream);
  // The stream has ended both ways, or was reset: the last call for it. An exchange that is left is cancelled.
  std::expected<void, Code> closed(std::int64_t stream, Code code);

  // --- what is to be sent ---

  // Fills `piece` with what is to be sent next. What sent() does not report comes again; a stream that the transport
  // refuses is reported by blocked() or unwritable(), or else it would come again and again.
  std::expected<void, Code> next(Piece& piece);
  // The transport took so many bytes of the piece, with its fin if that was all.
  std::expected<void, Code> sent(const Piece& piece, std::size_t bytes);
  // The stream has no window: nothing comes for it before unblocked().
  void blocked(std::int64_t stream);
  void unblocked(std::int64_t stream);
  // STOP_SENDING came; the transport has answered with RESET_STREAM. The exchange is cancelled.
  void unwritable(std::int64_t stream);
  // The client has acknowledged so many bytes more of the stream: they are not needed any more.
  std::expected<void, Code> acknowledged(std::int64_t stream, std::uint64_t bytes);

  // --- life ---

  // Sends a GOAWAY that refuses nothing, after 100 ms a second one with the last id (RFC 9114 section 5.2), and then,
  // once no stream is left, calls finish() of the transport. Only the first call counts.
  void drain();
  // Destroys every stream and exchange; nothing may be called after it.
  void cancel_all();
  // For the standing of the connection.
  ClientConnection::Standing standing() const;
  // The handshake is complete: exchanges that begin from now on say what TLS agreed on.
  void client_known(std::shared_ptr<const TlsSummary> tls) { peer_.client.tls = std::move(tls); }
  void client_moved(const Address& address) { peer_.client.address = address; }

 private:
  friend class H3Stream;
  friend struct H3Callbacks;
  struct ConnDeleter {
    void operator()(nghttp3_conn* conn) const { nghttp3_conn_del(conn); }
  };
  struct Life {
    std::uint64_t requests = 0;
    // Bytes of all answers, by the client.
    std::uint64_t acknowledged = 0;
    bool draining = false;
    bool last_goaway_sent = false;
    // Why a callback of ours failed.
    std::optional<Code> failure;
    // By finish() of the transport, for abuse.
    bool finished = false;
  };

  // Returns null for a stream that is not a request's, or has been closed.
  H3Stream* find(std::int64_t stream);
  // What the client's unidirectional streams carry, before nghttp3 sees it.
  std::expected<void, Code> screen(std::int64_t stream, std::span<const std::uint8_t> bytes);
  // Both ways, with the code; the exchange is cancelled.
  void reset(H3Stream& stream, Code code);
  void stop_reading(H3Stream& stream);
  // By the client: too often is an attack.
  void cancelled(const H3Stream& stream);
  // Ends the connection if it is one too many.
  void count(Abuse act);
  void request_began();
  // Looks every 5 seconds for streams where nothing has moved for too long.
  void sweep();
  void send_last_goaway();
  std::expected<void, Code> outcome(nghttp3_ssize status) const;
  void finish_if_drained();
  std::uint64_t stamp() const;

  ListenerContext& context_;
  H3Transport& transport_;
  const H3Options& options_;
  Peer peer_;
  std::unique_ptr<nghttp3_conn, ConnDeleter> conn_;
  std::unordered_map<std::int64_t, std::unique_ptr<H3Stream>> streams_;
  H3TableScreen screen_;
  Life life_;
  AbuseGuard guard_;
  Timer sweep_;
  Timer drain_;
};

}  // namespace gatehouse
