// One QUIC connection of a client: ngtcp2 and OpenSSL's handshake below, an H3Session above. Owned by the listener's
// ConnectionList, known to the QuicDispatch by its connection ids; one loop's thread.
//
//   open --error, drained, close_now(): CONNECTION_CLOSE--> gone
//        --CONNECTION_CLOSE of the client, idle-----------> gone
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
    const ngtcp2_pkt_hd& head;
    ngtcp2_token_type token_type = NGTCP2_TOKEN_TYPE_UNKNOWN;  // of a valid token: the address is proven
    ngtcp2_cid original_dcid{};                                // after a Retry
    std::uint64_t prefix = 0;
    ConnectionPermit permit;  // none while the address is unproven: it would be one that others go without
  };
  // Null if it cannot be made (memory, TLS set-up). The datagram itself is not read yet.
  static std::unique_ptr<QuicConnection> accept(QuicDispatch& dispatch, const UdpDatagram& first,
                                                Acceptance acceptance);
  QuicConnection(Private /*only_accept_makes_one*/, QuicDispatch& dispatch, Acceptance& acceptance);
  ~QuicConnection() override;

  // `to` is the connection id that its first packet is addressed to.
  void receive(const UdpDatagram& datagram, const QuicId& to);
  void wake_flush() override { flush_.wake(); }

  void drain() override;
  Standing standing() const override;
  bool unread() const override { return false; }  // what has come lies in the socket of all
  void close_now() override;

 private:
  friend struct QuicCallbacks;
  struct ConnDeleter {
    void operator()(ngtcp2_conn* conn) const { ngtcp2_conn_del(conn); }
  };
  struct CryptoDeleter {
    void operator()(ngtcp2_crypto_ossl_ctx* crypto) const;
  };
  // The libraries' halves, in reverse order of their destruction.
  struct Engine {
    std::shared_ptr<const TlsContexts> contexts;
    QuicMemory memory;
    ngtcp2_crypto_conn_ref reference{};
    std::unique_ptr<ngtcp2_crypto_ossl_ctx, CryptoDeleter> crypto;
    std::unique_ptr<ngtcp2_conn, ConnDeleter> conn;
  };
  struct Peer {
    std::uint64_t prefix = 0;
    bool half_open = false;  // no token, and the handshake is not complete
    ConnectionHope hope;   // while it has no permit
    bool counted = false;  // among the connections: the handshake is complete
    Address address;       // of the validated path
    std::shared_ptr<const TlsSummary> tls;
  };

  bool set_up(const UdpDatagram& first, const Acceptance& acceptance);
  bool gone() const { return dispatch_ == nullptr; }
  enum class Place : std::uint8_t { kFound, kNone, kRefused };
  Place take_place();
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
  bool start_session();
  bool handshake_completed();
  void offer_token(const ngtcp2_path& path);
  void path_validated(const ngtcp2_path& path, bool wants_token);
  bool outcome(const std::expected<void, H3Session::Code>& result);

  // --- sending (quic_connection_sending.cc) ---
  void flush();
  bool write_trains(ngtcp2_tstamp now);
  static ngtcp2_ssize write_one(ngtcp2_conn* conn, ngtcp2_path* path, ngtcp2_pkt_info* info, std::uint8_t* into,
                                std::size_t room, ngtcp2_tstamp now, void* self);
  void arm_timer();

  // --- ending ---
  void expired();
  void fail(int status);
  void fail_handshake(int status);
  void close_with_error();
  void leave_farewell(std::span<const std::uint8_t> packet);
  std::vector<ngtcp2_cid> ids() const;
  void leave_dispatch();
  void end_session();
  void vanish();  // last statement

  QuicDispatch* dispatch_;  // null: it has ended
  ListenerContext& context_;
  ConnectionPermit permit_;
  Engine engine_;
  Peer peer_;
  std::optional<ngtcp2_ccerr> error_;  // why it ends, while that is still to be sent
  Waker flush_;
  Timer timer_;
  std::unique_ptr<H3Session> session_;
};

}  // namespace gatehouse
