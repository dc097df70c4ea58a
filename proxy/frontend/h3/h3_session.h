// HTTP/3 on one QUIC connection: frames and QPACK on one side, streams with their exchanges on the other. What arrives is
// read by readers of our own, so that a message that is malformed is the error of its stream alone (RFC 9114 section
// 4.1.2); an nghttp3 connection writes what is sent, and hears nothing of the client but its SETTINGS and its QPACK
// decoder. Owned by the QuicConnection, which feeds it what arrived and pulls what is to be sent; decides nothing that
// h1 and h2 do not. One loop's thread. A negative outcome of nghttp3 ends the connection (that is what its errors mean).
//
//   ngtcp2 -- opened, received, client_reset, closed --> H3Session --> H3Stream, its H3RequestReader --> Exchange
//                                                                  --> H3UniStreams, H3FieldDecoder
//   ngtcp2 <-- next; then sent, blocked or unwritable -- H3Session <-- nghttp3 <-- H3Stream <-- Exchange
//   H3Session -- H3Transport: wake_flush, credits, reset, stop_sending, busy, finish --> QuicConnection
//
// A call that returns an error Code was the last but cancel_all(): the connection closes with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nghttp3/nghttp3.h>

#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/abuse_guard.h"
#include "proxy/frontend/h3/h3_field_decoder.h"
#include "proxy/frontend/h3/h3_frames.h"
#include "proxy/frontend/h3/h3_options.h"
#include "proxy/frontend/h3/h3_transport.h"
#include "proxy/frontend/h3/h3_uni_streams.h"
#include "proxy/frontend/listener_context.h"
#include "proxy/http/client_info.h"
#include "proxy/http/message.h"

namespace gatehouse {

class H3Stream;

class H3Session {
 public:
  // An error code of HTTP/3 (RFC 9114 section 8.1).
  using Code = std::uint64_t;
  using Outcome = std::expected<void, Code>;
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
    // What its exchanges leave for each other.
    BelongingsPtr belongings = {};
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
  Outcome received(std::int64_t stream, std::span<const std::uint8_t> bytes, bool fin);
  // RESET_STREAM has come: the exchange is cancelled, and our half is reset too. closed() still follows.
  void client_reset(std::int64_t stream);
  // The stream has ended both ways, or was reset: the last call for it. An exchange that is left is cancelled.
  Outcome closed(std::int64_t stream, Code code);

  // --- what is to be sent ---

  // Fills `piece` with what is to be sent next. What sent() does not report comes again; a stream that the transport
  // refuses is reported by blocked() or unwritable(), or else it would come again and again.
  Outcome next(Piece& piece);
  // The transport took so many bytes of the piece, with its fin if that was all.
  Outcome sent(const Piece& piece, std::size_t bytes);
  // The stream has no window: nothing comes for it before unblocked().
  void blocked(std::int64_t stream);
  void unblocked(std::int64_t stream);
  // STOP_SENDING came; the transport has answered with RESET_STREAM. The exchange is cancelled.
  void unwritable(std::int64_t stream);
  // The client has acknowledged so many bytes more of the stream: they are not needed any more.
  Outcome acknowledged(std::int64_t stream, std::uint64_t bytes);

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
  // What bounds what the client may do beside its requests.
  struct Allowance {
    // The request streams that it may open in all: as many as at once, and one for each that has been closed.
    std::uint64_t streams = 0;
    // The highest that it has opened.
    std::int64_t highest = -1;
    // Streams to come whose priorities it has said.
    std::vector<std::int64_t> early;
  };
  struct Life {
    std::uint64_t requests = 0;
    // Bytes of all answers, by the client.
    std::uint64_t acknowledged = 0;
    bool draining = false;
    bool last_goaway_sent = false;
    // What the windows of all streams have grown by, and the connection's with them.
    UploadGrowth growth;
    // What the connection's window is too large by since a stream with a large one has ended.
    std::size_t window_debt = 0;
    // A stream waits for what its endpoint has by now.
    bool refilling = false;
    // By finish() of the transport, for abuse.
    bool finished = false;
    // nghttp3 has heard of the client's decoder stream.
    bool hears_decoder = false;
    Allowance allowance;
  };

  // What happens later.
  struct Wakeups {
    explicit Wakeups(H3Session& session);
    Timer sweep;
    Timer drain;
    Waker refilled;
  };

  // Returns null for a stream that is not a request's, or has been closed.
  H3Stream* find(std::int64_t stream);
  Outcome receive_uni(std::int64_t stream, H3Bytes bytes, bool fin);
  Outcome read_control(std::int64_t stream, H3Bytes bytes);
  Outcome take_settings(std::int64_t stream, std::string_view payload);
  Outcome read_instructions(H3Bytes bytes);
  // Gives nghttp3 bytes of one of the client's streams.
  Outcome tell_library(std::int64_t stream, H3Bytes bytes);
  Outcome reprioritise(std::int64_t stream, std::string_view value);
  // Makes the stream known to nghttp3, so that it can be answered.
  Outcome announce(std::int64_t stream);
  // The priority that a field of its head says, if it can be understood.
  void prioritise(std::int64_t stream, std::string_view value);
  // What the endpoint says of the priority of its response lies over what the client says (RFC 9218 section 8).
  void overrule_priority(std::int64_t stream, const FieldList& response);
  // A stream has given all that its pipe had: no other is asked in its stead before endpoints had their turn.
  void let_endpoints_go_on();
  void on_refilled();
  // Both ways, with the code; the exchange is cancelled.
  void reset(H3Stream& stream, Code code);
  void stop_reading(H3Stream& stream);
  // Gives window back for request bodies, less what is too much of it.
  void credit_connection(std::size_t bytes);
  // By the client: too often is an attack.
  void cancelled(const H3Stream& stream);
  // Ends the connection if it is one too many.
  void count(Abuse act);
  // So much of a section has been decoded that the connection has to end.
  Code excessive();
  void request_began();
  // Looks every 5 seconds for streams where nothing has moved for too long.
  void sweep();
  void send_last_goaway();
  static Outcome outcome(nghttp3_ssize status);
  void finish_if_drained();

  ListenerContext& context_;
  H3Transport& transport_;
  const H3Options& options_;
  Peer peer_;
  std::unique_ptr<nghttp3_conn, ConnDeleter> conn_;
  H3FieldDecoder fields_;
  H3UniStreams uni_;
  std::unordered_map<std::int64_t, std::unique_ptr<H3Stream>> streams_;
  Life life_;
  AbuseGuard guard_;
  Wakeups wakeups_;
};

}  // namespace gatehouse
