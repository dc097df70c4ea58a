// QuicConnection: what leaves, once a turn.
#include <algorithm>

#include "common/event_loop.h"
#include "proxy/frontend/quic/quic_connection.h"
#include "proxy/frontend/quic/quic_dispatch.h"
#include "proxy/frontend/quic/quic_load.h"

namespace gatehouse {

namespace {

UdpPath udp_path(const ngtcp2_path& path) {
  return {.local = path.local.addr,
          .local_length = path.local.addrlen,
          .remote = path.remote.addr,
          .remote_length = path.remote.addrlen};
}

QuicLoad& thread_load() {
  thread_local QuicLoad load;
  return load;
}

}  // namespace

void QuicConnection::flush() {
  if (gone()) return;
  if (environment().socket.blocked()) return dispatch_->wait_for_room(*this);
  if (error_) return close_with_error();
  if (write_trains(stamp())) arm_timer();
}

// One train holds what congestion control and pacing allow at once; more leaves when the timer or an acknowledgement
// says so. False: the connection has failed, and this was the last statement.
bool QuicConnection::write_trains(ngtcp2_tstamp now) {
  ngtcp2_conn* const conn = engine_.conn.get();
  QuicSocket& socket = environment().socket;
  std::size_t quantum =
      std::max(ngtcp2_conn_get_send_quantum(conn), ngtcp2_conn_get_path_max_tx_udp_payload_size(conn));
  const std::span<std::uint8_t> buffer = socket.train_buffer();
  thread_load().clear();
  for (;;) {
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    std::size_t segment = 0;
    const ngtcp2_ssize size = ngtcp2_conn_write_aggregate_pkt2(conn, &path.path, &info, buffer.data(), buffer.size(),
                                                               &segment, write_one, QuicSocket::kMaxSegments, now);
    if (size < 0) {
      fail(static_cast<int>(size));
      return false;
    }
    if (size == 0) break;
    const auto bytes = static_cast<std::size_t>(size);
    socket.send({.path = udp_path(path.path), .ecn = info.ecn, .segment = segment, .bytes = buffer.first(bytes)});
    context_.counters.datagrams_sent.add((bytes + segment - 1) / segment);
    if (bytes >= quantum) break;
    quantum -= bytes;
    if (socket.blocked()) {
      dispatch_->wait_for_room(*this);
      break;
    }
  }
  ngtcp2_conn_update_pkt_tx_time(conn, now);
  if (session_ && !outcome(thread_load().settle(*session_))) {
    fail(NGTCP2_ERR_CALLBACK_FAILURE);
    return false;
  }
  return true;
}

// Fills one packet with pieces of streams, and whatever else ngtcp2 has to say.
ngtcp2_ssize QuicConnection::write_one(ngtcp2_conn* conn, ngtcp2_path* path, ngtcp2_pkt_info* info, std::uint8_t* into,
                                       std::size_t room, ngtcp2_tstamp now, void* self) {
  auto& c = *static_cast<QuicConnection*>(self);
  H3Session* const session = c.session_.get();
  QuicLoad& load = thread_load();
  for (;;) {
    const bool may_send = session != nullptr && ngtcp2_conn_get_max_data_left(conn) > 0;
    if (may_send && !c.outcome(load.refill(*session))) return NGTCP2_ERR_CALLBACK_FAILURE;
    const std::int64_t stream = may_send ? load.stream() : -1;
    const std::span<const ngtcp2_vec> parts = stream >= 0 ? load.rest() : std::span<const ngtcp2_vec>();
    std::uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
    if (stream >= 0 && load.fin()) flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize size =
        ngtcp2_conn_writev_stream(conn, path, info, into, room, &taken, flags, stream, parts.data(), parts.size(), now);
    if (taken >= 0 && !c.outcome(load.take(*session, static_cast<std::size_t>(taken)))) {
      return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    switch (size) {
      case NGTCP2_ERR_WRITE_MORE:
        continue;
      case NGTCP2_ERR_STREAM_DATA_BLOCKED:
        if (!c.outcome(load.settle(*session))) return NGTCP2_ERR_CALLBACK_FAILURE;
        session->blocked(stream);
        continue;
      case NGTCP2_ERR_STREAM_SHUT_WR:
      case NGTCP2_ERR_STREAM_NOT_FOUND:
        if (!c.outcome(load.settle(*session))) return NGTCP2_ERR_CALLBACK_FAILURE;
        session->unwritable(stream);
        continue;
      default:
        return size;
    }
  }
}

void QuicConnection::arm_timer() {
  const ngtcp2_tstamp at = ngtcp2_conn_get_expiry(engine_.conn.get());
  if (at == UINT64_MAX) return timer_.disarm();
  timer_.arm_at(MonotonicTime(std::chrono::nanoseconds(at)));
}

}  // namespace gatehouse
