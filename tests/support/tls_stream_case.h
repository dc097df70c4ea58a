// The stage for tests of a TlsStream: it is the server; the client works in memory, and its bytes go over a bare socket
// when the test says so. Parameter: the version of TLS. Everything belongs to the test's thread.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "common/crypto/tls_stream.h"
#include "common/slab_pool.h"
#include "tests/support/stream_testing.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {

class TlsStreamCase : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    auto [ours, theirs] = connected_pair(SocketKind::kTcp);
    peer = std::move(theirs);
    server =
        std::make_unique<TlsStream>(loop, std::make_unique<TcpStream>(loop, std::move(ours)), server_ssl(*server_side));
    server->set_user(&user);
  }
  void TearDown() override {
    server.reset();
    EXPECT_EQ(slab_pool::outstanding(), 0U);
  }

  void turn() { loop.turn(EventLoop::Wait::kNever); }
  void send_raw(std::string_view bytes) {
    ASSERT_EQ(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  std::string receive_raw() {
    std::string bytes(1 << 18, '\0');
    const ssize_t count = ::recv(peer.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  // Both ways, once.
  void exchange() {
    send_raw(client.take_wire());
    turn();
    client.give_wire(receive_raw());
  }
  void complete_handshake() {
    TlsStream::Handshake step = server->handshake();
    user.then_readable = [&] { step = server->handshake(); };
    bool client_done = false;
    const auto both_done = [&] {
      client_done = client.handshake() || client_done;
      exchange();
      return client_done && step == TlsStream::Handshake::kDone;
    };
    turn_until(loop, both_done, EventLoop::Wait::kNever);
    user.then_readable = nullptr;
    static_cast<void>(client.receive());  // the session tickets
  }
  IoStatus read(std::size_t max = 65536) {
    Buffer piece;
    const IoResult result = server->read(piece, max);
    EXPECT_EQ(result.bytes, piece.size());
    EXPECT_LE(result.bytes, max);
    last = piece.to_string();
    return result.status;
  }
  // Until the server has no more to say.
  std::string read_all(std::size_t size) {
    std::string text;
    const auto complete = [&] {
      while (read() == IoStatus::kOk) text += last;
      return text.size() >= size;
    };
    turn_until(loop, complete, EventLoop::Wait::kNever);
    return text;
  }

  EventLoop loop;
  ContextPtr server_side = server_context(GetParam());
  ContextPtr client_side = client_context();
  NotingUser user;
  MemoryClient client{*client_side};
  std::unique_ptr<TlsStream> server;
  Fd peer;
  std::string last;  // of read()
};

inline std::string version_name(const testing::TestParamInfo<int>& version) {
  return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
}

}  // namespace gatehouse::testing_support
