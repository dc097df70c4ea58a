// An HTTP/3 client for tests, on ngtcp2 and nghttp3, that touches no socket: it hands datagrams to a function, is given
// those of the server, and takes the time from a clock that the test drives. Nothing happens but in step() and the
// calls that say so. Owned by the test; one thread.
//
//   H3Client client({.clock = clock, .to_server = [&](const UdpDatagram& d) { listener.receive(d); }});
//   QuicListener listener(context, [&](const UdpDatagram& d) { client.receive(d); }, address, setup);
//   while (client.step() || loop has work) loop.turn(EventLoop::Wait::kNever);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/clock.h"
#include "proxy/frontend/quic/quic_socket.h"

namespace gatehouse::testing_support {

struct H3ClientState;

class H3Client {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Bytes = std::vector<std::uint8_t>;
  enum class End { kNo, kYes };

  struct Dependencies {
    const Clock& clock;
    std::function<void(const UdpDatagram&)> to_server;
    std::string server_name = "localhost";
    Address local = Address::parse("127.0.0.1:40000").value();
    Address server = Address::parse("127.0.0.1:4433").value();
    Bytes token;                            // of an earlier connection's NEW_TOKEN
    std::uint32_t version = 1;              // of QUIC
    std::uint64_t stream_window = 1 << 20;  // what the server may send before the test reads
    std::uint64_t connection_window = 16 << 20;
    std::string alpn = "h3";
    std::chrono::seconds idle_timeout{60};
  };

  struct Response {
    std::vector<int> interim;
    int status = 0;  // 0: no head yet
    Fields fields;
    std::string body;
    Fields trailers;
    bool ended = false;                  // FIN
    std::optional<std::uint64_t> reset;  // RESET_STREAM
    bool closed = false;                 // in both directions
    std::uint64_t close_code = 0;        // 0x100, or the first of RESET_STREAM and STOP_SENDING
    bool stopped = false;                // STOP_SENDING came while there was more to send

    std::string field(std::string_view name) const;  // empty if absent
  };

  struct Closed {
    bool by_application = false;
    std::uint64_t code = 0;
  };

  explicit H3Client(Dependencies dependencies);
  ~H3Client();
  H3Client(const H3Client&) = delete;
  H3Client& operator=(const H3Client&) = delete;

  void receive(const UdpDatagram& datagram);  // queued until step()
  bool step();                                // reads, lets due timers run, writes; true if any datagram moved

  bool connected() const;                // the handshake is confirmed
  std::optional<Closed> closed() const;  // the server's CONNECTION_CLOSE, or a stateless reset (code kResetCode)
  static constexpr std::uint64_t kResetCode = ~std::uint64_t{0};
  std::optional<std::int64_t> goaway() const;
  const std::vector<Bytes>& tokens() const;  // NEW_TOKEN frames so far

  // --- requests --- REQUIRES: connected()
  std::int64_t begin(const Fields& head, End end = End::kYes);  // the stream
  std::int64_t get(const std::string& path);
  void send(std::int64_t stream, std::string_view body, End end);
  void send_trailers(std::int64_t stream, const Fields& trailers);  // ends the request
  void reset(std::int64_t stream, std::uint64_t code);              // RESET_STREAM
  void stop(std::int64_t stream, std::uint64_t code);               // STOP_SENDING
  void hold(std::int64_t stream);                                   // gives no window back until release()
  void release(std::int64_t stream);
  void take(std::int64_t stream, std::size_t bytes);  // of what is held: gives back so much window, and holds on
  std::size_t unsent(std::int64_t stream) const;      // body bytes that flow control still keeps here
  const Response& response(std::int64_t stream) const;

  // --- transport ---
  bool raw_stream(std::span<const std::uint8_t> bytes, End end, bool uni);  // whatever it is, past nghttp3; next flush
  void move_to(const Address& local);     // NAT rebinding: packets come from there from now on
  void migrate_to(const Address& local);  // deliberately, with a new connection id
  bool update_key();
  void close(std::uint64_t code = 0x100);  // CONNECTION_CLOSE, at once
  Bytes destination_id() const;            // the server's id for this connection, as we use it

 private:
  std::unique_ptr<H3ClientState> state_;
};

}  // namespace gatehouse::testing_support
