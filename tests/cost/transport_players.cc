// Datagrams at a QUIC listener, and records at a TLS stream.
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/cost/player.h"
#include "tests/support/quic_case.h"
#include "tests/support/stream_testing.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::work {
namespace {

using namespace testing_support;

// Each piece is a datagram; its stream says from which of many networks it comes.
class QuicPlayer final : public QuicCase, public Player {
 public:
  QuicPlayer() { listen(); }

  void play(const Input& input) override {
    for (const Piece& piece : input) {
      const auto number = static_cast<unsigned>(piece.stream);
      const Address client =
          Address::parse("10." + std::to_string(number >> 8) + "." + std::to_string(number & 0xff) + ".1:40000")
              .value();
      listener->receive({.path = {.local = address.data(),
                                  .local_length = address.length(),
                                  .remote = client.data(),
                                  .remote_length = client.length()},
                         .ecn = 0,
                         .bytes = {reinterpret_cast<const std::uint8_t*>(piece.bytes.data()), piece.bytes.size()}});
      loop.turn(EventLoop::Wait::kNever);
    }
  }

 private:
  void TestBody() override {}
};

// A server's TlsStream, a client in memory, and sockets between them.
class TlsPlayer final : public Player {
 public:
  enum class Begins { kWithTheHandshake, kAfterIt };

  explicit TlsPlayer(Begins begins) {
    auto [ours, theirs] = connected_pair(SocketKind::kTcp);
    peer_ = std::move(theirs);
    server_.emplace(loop_, std::make_unique<TcpStream>(loop_, std::move(ours)), server_ssl(*server_side_));
    server_->set_user(&user_);
    if (begins == Begins::kAfterIt) complete_handshake();
  }

  // Behind the handshake each piece is a record: data, or where its stream is 1 a KeyUpdate. Before it they are the
  // bytes on the wire.
  void prepare(const Input& input) override {
    for (const Piece& piece : input) {
      if (!done_) {
        wire_ += piece.bytes;
      } else if (piece.stream == 1) {
        SSL_key_update(client_.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
        client_.handshake();
      } else {
        client_.send(piece.bytes);
      }
    }
    if (done_) wire_ = client_.take_wire();
  }

  void play(const Input& /*input*/) override {
    for (std::string_view rest = wire_; !rest.empty();) {
      const ssize_t sent = ::send(peer_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
      if (!take()) return;
    }
    while (take() && taken_ > 0) {
    }
  }

 private:
  // False: the server has had enough.
  bool take() {
    loop_.turn(EventLoop::Wait::kNever);
    taken_ = 0;
    if (!done_) return server_->handshake() != TlsStream::Handshake::kFailed;
    Buffer piece;
    IoResult result;
    while ((result = server_->read(piece, 64UL * 1024)).status == IoStatus::kOk) taken_ += result.bytes;
    return result.status == IoStatus::kWouldBlock;
  }

  void complete_handshake() {
    bool client_done = false;
    const auto both_done = [&] {
      client_done = client_.handshake() || client_done;
      const std::string wire = client_.take_wire();
      EXPECT_EQ(::send(peer_.get(), wire.data(), wire.size(), MSG_NOSIGNAL), std::ssize(wire));
      done_ = done_ || server_->handshake() == TlsStream::Handshake::kDone;
      char bytes[16384];
      const ssize_t count = ::recv(peer_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (count > 0) client_.give_wire({bytes, static_cast<std::size_t>(count)});
      return client_done && done_;
    };
    turn_until(loop_, both_done, EventLoop::Wait::kNever);
    static_cast<void>(client_.receive());
  }

  EventLoop loop_;
  ContextPtr server_side_ = server_context(TLS1_3_VERSION);
  ContextPtr client_side_ = client_context();
  testing_support::NotingUser user_;
  MemoryClient client_{*client_side_};
  std::optional<TlsStream> server_;
  Fd peer_;
  std::string wire_;
  std::size_t taken_ = 0;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<Player> make_transport_player(std::string_view name) {
  if (name == "quic") return std::make_unique<QuicPlayer>();
  if (name == "tls") return std::make_unique<TlsPlayer>(TlsPlayer::Begins::kAfterIt);
  if (name == "tls_hello") return std::make_unique<TlsPlayer>(TlsPlayer::Begins::kWithTheHandshake);
  return nullptr;
}

}  // namespace gatehouse::work
