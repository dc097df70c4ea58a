// An endpoint that does exactly what a test says: a listening socket on loopback or a Unix path, and its connections as
// plain sockets. Nothing here waits: what should come is polled for by turning the proxy's loop (see
// upstream_testing.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/fd.h"

namespace gatehouse::testing_support {

// The endpoint's side of one connection.
class ScriptedConnection {
 public:
  explicit ScriptedConnection(Fd socket) : socket_(std::move(socket)) {}

  // Everything that has come so far.
  const std::string& received();
  bool ended();  // the proxy has closed or reset it
  void forget() { received_.clear(); }
  void send(std::string_view bytes);
  std::size_t send_what_fits(std::string_view bytes);  // without waiting for the proxy
  void finish_sending();                               // FIN
  void close() { socket_.reset(); }
  void reset();  // RST
  // Takes up to `count` bytes and no more, to leave the socket full.
  std::size_t take(std::size_t count);
  void narrow();  // small socket buffers
  int fd() const { return socket_.get(); }

 private:
  void read_some();

  Fd socket_;
  std::string received_;
  bool ended_ = false;
};

class ScriptedEndpoint {
 public:
  ScriptedEndpoint();  // 127.0.0.1, any port
  explicit ScriptedEndpoint(const Address& address, int backlog = 64);

  const Address& address() const { return address_; }
  std::optional<ScriptedConnection> accept();  // nothing if nobody is there
  void stop_listening() { listener_.reset(); }
  void listen_again();

 private:
  Address address_;
  int backlog_ = 64;
  Fd listener_;
};

// An address where nobody listens.
Address refused_address();

}  // namespace gatehouse::testing_support
