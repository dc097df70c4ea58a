// HTTP/3 on one QUIC connection, by nghttp3: frames and QPACK on one side, streams with their exchanges on the other.
// Owned by the QuicConnection, which feeds it what arrived and pulls what is to be sent; decides nothing that h1 and h2
// do not. One loop's thread. A negative outcome of nghttp3 ends the connection (that is what its errors mean).
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
  using Code = std::uint64_t;  // RFC 9114 section 8.1
  // Our unidirectional streams.
  struct OwnStreams {
    std::int64_t control = -1;
    std::int64_t encoder = -1;
    std::int64_t decoder = -1;
  };
  // Who is at the other end. `client` is updated by the connection when a new path has been validated.
  struct Peer {
    ClientInfo client;
    std::shared_ptr<const TlsContexts> contexts;
  };
  // Bytes for one stream, good until the next call of the session.
  struct Piece {
    static constexpr std::size_t kMaxParts = 16;
    std::int64_t stream = -1;  // -1: nothing to send
    bool fin = false;
    std::size_t parts = 0;
    std::array<nghttp3_vec, kMaxParts> part;
  };

  H3Session(ListenerContext& context, H3Transport& transport, const H3Options& options, Peer peer);
  ~H3Session();
  H3Session(const H3Session&) = delete;
  H3Session& operator=(const H3Session&) = delete;

  [[nodiscard]] bool start(const OwnStreams& streams);  // SETTINGS; once, before all else

  // --- what arrived ---
  void opened(std::int64_t stream);  // a request stream of the client's
  // Credits are given here for all but request bodies, whose bytes are credited as they are taken.
  std::expected<void, Code> received(std::int64_t stream, std::span<const std::uint8_t> bytes, bool fin);
  void client_reset(std::int64_t stream);  // RESET_STREAM
  std::expected<void, Code> closed(std::int64_t stream, Code code);

  // --- what is to be sent ---
  std::expected<void, Code> next(Piece& piece);
  std::expected<void, Code> sent(const Piece& piece, std::size_t bytes);  // how many the transport took
  void blocked(std::int64_t stream);                                      // no window
  void unblocked(std::int64_t stream);
  void unwritable(std::int64_t stream);  // STOP_SENDING came; the transport has answered with RESET_STREAM
  std::expected<void, Code> acknowledged(std::int64_t stream, std::uint64_t bytes);

  // --- life ---
  void drain();       // GOAWAY, after a while a second one with the last id, then finish()
  void cancel_all();  // every exchange is destroyed; nothing may be called after it
  ClientConnection::Standing standing() const;
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
    bool draining = false;
    bool last_goaway_sent = false;
    std::optional<Code> failure;  // why a callback of ours failed
    bool finished = false;        // by finish() of the transport, for abuse
  };

  H3Stream* find(std::int64_t stream);
  std::expected<void, Code> screen(std::int64_t stream, std::span<const std::uint8_t> bytes);
  void reset(H3Stream& stream, Code code);
  void stop_reading(H3Stream& stream);
  void cancelled(const H3Stream& stream);  // by the client: too often is an attack
  void count(Abuse act);                   // ends the connection if it is one too many
  void request_began();
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
