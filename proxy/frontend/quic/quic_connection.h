// One QUIC connection of a client: ngtcp2 and OpenSSL's handshake below, an H3Session above. Owned by the listener's
// ConnectionList, known to the QuicDispatch by its connection ids; one loop's thread.
//
//   accept() --> handshake, no permit (address unproven) --packet to our own id--> handshake --complete--> open
//                   valid token: permit at once ----------------------------------/
//
//   handshake --fail(): CONNECTION_CLOSE where there are keys for it, counted by reason-----------> gone
//   open --error, drained, close_now(): CONNECTION_CLOSE, repeated by the dispatch (QuicFarewell)--> gone
//   open --CONNECTION_CLOSE of the client: silence for three PTO (QuicFarewell)--------------------> gone
//   open --idle timeout----------------------------------------------------------------------------> gone
//
// What arrives is read at once; what is to be sent leaves in flush(), once a turn, so that acknowledgements ride on
// answers. A connection that has ended is destroyed at the end of the turn: what the closing and draining states of
// RFC 9000 section 10.2 need after a handshake is left to the dispatch, and of a failed one nothing is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_ossl.h>

#include "common/crypto/tls_stream.h"
#include "common/timer.h"
#include "common/waker.h"
#include "proxy/frontend/client_connection.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/h3/h3_session.h"
#include "proxy/frontend/h3/h3_transport.h"
#include "proxy/frontend/quic/quic_handles.h"
#include "proxy/frontend/quic/quic_id.h"
#include "proxy/frontend/quic/quic_memory.h"
#include "proxy/frontend/quic/quic_socket.h"

namespace gatehouse {

class QuicDispatch;
struct QuicEnvironment;

class QuicConnection final : public ClientConnection, private H3Transport {
  struct Private {};

 public:
  // What the dispatch has found out about a client's first packet.
  struct Acceptance {
    // Good during accept().
    const ngtcp2_pkt_hd& head;
    // Of a valid token: the address is proven.
    ngtcp2_token_type token_type = NGTCP2_TOKEN_TYPE_UNKNOWN;
    // After a Retry.
    ngtcp2_cid original_dcid{};
    // By address_prefix(), for the HalfOpenCount.
    std::uint64_t prefix = 0;
    // A QuicProbe of our own.
    bool probe = false;
    // None of a probe, and while the address is unproven: it would be one that others go without.
    ConnectionPermit permit;
  };
  // Returns a connection that the dispatch knows by its ids; null if it cannot be made (memory, TLS set-up). The
  // datagram itself is not read yet. The caller adds it to the ConnectionList.
  static std::unique_ptr<QuicConnection> accept(QuicDispatch& dispatch, const UdpDatagram& first,
                                                Acceptance acceptance);
  // For accept().
  QuicConnection(Private /*only_accept_makes_one*/, QuicDispatch& dispatch, Acceptance& acceptance);
  ~QuicConnection() override;

  // Reads the datagram, which may end the connection. `to` is the connection id that its first packet is addressed
  // to. Nothing happens once the connection has ended.
  void receive(const UdpDatagram& datagram, const QuicId& to);
  void wake_flush() override { flush_.wake(); }

  // Two GOAWAYs, and CONNECTION_CLOSE when no stream is left; at once if the handshake has not come so far as to have
  // a session.
  void drain() override;
  Standing standing() const override;
  // What has come lies in the socket of all.
  bool unread() const override { return false; }
  // Sends CONNECTION_CLOSE with H3_NO_ERROR at once, whatever runs.
  void close_now() override;

 private:
  friend struct QuicCallbacks;
  // The libraries' halves, in reverse order of their destruction.
  struct Engine {
    std::shared_ptr<const TlsContexts> contexts;
    QuicMemory memory;
    ngtcp2_crypto_conn_ref reference{};
    QuicCryptoPtr crypto;
    QuicConnPtr conn;
  };
  struct Peer {
    std::uint64_t prefix = 0;
    // What it addressed its first packet to.
    QuicId first_id;
    // No token, and the handshake is not complete.
    bool half_open = false;
    // Of our own: neither counted nor limited, and never more than a handshake that does not end.
    bool probe = false;
    // While it has no permit.
    ConnectionHope hope;
    // Among the connections: the handshake is complete.
    bool counted = false;
    // Of the validated path.
    Address address;
    std::shared_ptr<const TlsSummary> tls;
  };

  // Returns false if the libraries refuse; what has been made so far goes with the connection.
  bool set_up(const UdpDatagram& first, const Acceptance& acceptance);
  bool gone() const { return dispatch_ == nullptr; }
  // Of ask_for_permit(). kNoRoom: none now. kRefused: the client is beyond its own limits.
  enum class Admission : std::uint8_t { kAdmitted, kNoRoom, kRefused };
  // The address is proven: asks for the permit.
  Admission ask_for_permit();
  // More memory than a client that means well makes ngtcp2 hold.
  bool holds_too_much() const;
  void fail_for_memory();
  const QuicEnvironment& environment() const;
  ngtcp2_tstamp stamp() const;

  // H3Transport
  void credit_stream(std::int64_t stream, std::size_t bytes) override;
  void credit_connection(std::size_t bytes) override;
  void reset(std::int64_t stream, std::uint64_t code) override;
  void stop_sending(std::int64_t stream, std::uint64_t code) override;
  void busy(bool is_busy) override;
  void finish(std::uint64_t code) override;

  // --- called by ngtcp2 (quic_callbacks.cc); false: the connection fails ---

  // We can send 1-RTT packets: opens our streams and makes the session.
  bool start_session();
  bool handshake_completed();
  // For the client's next connection (RFC 9000 section 8.1.3).
  void offer_token(const ngtcp2_path& path);
  // Once for each new path that works; the client may have moved.
  void path_validated(const ngtcp2_path& path, bool wants_token);
  // Notes the session's error, for the CONNECTION_CLOSE.
  bool outcome(const std::expected<void, H3Session::Code>& result);

  // --- sending (quic_connection_sending.cc) ---

  // May end the connection.
  void flush();
  // Returns false if the connection has ended.
  bool write_trains(ngtcp2_tstamp now);
  // Fills one packet, for ngtcp2; returns its size or an error.
  static ngtcp2_ssize write_one(ngtcp2_conn* conn, ngtcp2_path* path, ngtcp2_pkt_info* info, std::uint8_t* into,
                                std::size_t room, ngtcp2_tstamp now, void* self);
  void arm_timer();

  // --- ending ---

  void expired();
  // `status` is what ngtcp2 returned; the last statement of whoever calls it.
  void fail(int status);
  // Counts the failure by its reason.
  void fail_handshake(int status);
  // REQUIRES: error_
  void close_with_error();
  // Leaves the ids with the dispatch, and the packet that is repeated; none if the client has said goodbye.
  void leave_farewell(std::span<const std::uint8_t> packet);
  // Ours, and the client's first.
  std::vector<ngtcp2_cid> ids() const;
  // Idempotent.
  void leave_dispatch();
  void end_session();
  // Last statement.
  void vanish();

  // Null: it has ended.
  QuicDispatch* dispatch_;
  ListenerContext& context_;
  ConnectionPermit permit_;
  Engine engine_;
  Peer peer_;
  // Why it ends, while that is still to be sent.
  std::optional<ngtcp2_ccerr> error_;
  Waker flush_;
  Timer timer_;
  std::unique_ptr<H3Session> session_;
};

}  // namespace gatehouse
