#include "proxy/frontend/accept/early_stream.h"

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proxy/frontend/accept/tls_accept.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/frontend_testing.h"
#include "tests/support/h2_client.h"
#include "tests/support/stream_testing.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

constexpr std::string_view kGet = "GET /early HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::size_t kH1 = static_cast<std::size_t>(Protocol::kH1);

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

std::shared_ptr<const TlsContexts> make_contexts() {
  const PemPair pem = make_certificate();
  auto made = TlsContexts::make({.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()},
                                 .ticket_keys = std::make_shared<TicketKeys>(),
                                 .early_data = true});
  EXPECT_TRUE(made.has_value());
  return *made;
}

// A listener that takes early data, and a client over a socket with a ticket of it.
class EarlyStreamTest : public testing::Test {
 protected:
  EarlyStreamTest() {
    world.context.tls = contexts;
    world.context.speaks_h2 = true;
    SSL_CTX_set_session_cache_mode(client_side.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(client_side.get(), this);
    SSL_CTX_sess_set_new_cb(client_side.get(), [](SSL* ssl, SSL_SESSION* made) {
      static_cast<EarlyStreamTest*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))
          ->ticket.reset(SSL_SESSION_dup(made));  // which the connection that has it may spoil
      return 0;
    });
    world.script = [this](Exchange& exchange) {
      early.push_back(exchange.client().early);
      if (exchange.request().path() != "/hold") exchange.respond({.status = 200}, "hello");
    };
  }

  // The loop has a manual clock, the socket has not.
  void until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    bool in_time = true;
    while (!done() && in_time) {
      world.loop.turn(EventLoop::Wait::kNever);
      in_time = std::chrono::steady_clock::now() < deadline;
    }
    ASSERT_TRUE(in_time) << "what the test waits for did not happen";
  }

  void connect() {
    auto [ours, theirs] = connected_pair(SocketKind::kTcp);
    peer = std::move(theirs);
    auto stream = std::make_unique<TlsStream>(world.loop, std::make_unique<TcpStream>(world.loop, std::move(ours)),
                                              contexts->new_ssl());
    world.context.connections.add(std::make_unique<TlsAccept>(
        world.context, std::move(stream), Address::parse("192.0.2.7:4711").value(), ConnectionPermit()));
    client = std::make_unique<MemoryClient>(*client_side);
    const std::string alpn = h2 ? "\x02h2" : "\x08http/1.1";
    SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned>(alpn.size()));
  }
  void send() {
    const std::string wire = client->take_wire();
    ASSERT_EQ(::send(peer.get(), wire.data(), wire.size(), MSG_NOSIGNAL), std::ssize(wire));
    world.settle();
  }
  void take() {
    std::string bytes(1 << 16, '\0');
    const ssize_t count = ::recv(peer.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    client->give_wire(std::string_view(bytes).substr(0, count > 0 ? static_cast<std::size_t>(count) : 0));
  }
  void finish_handshake() {
    until([&] {
      const bool done = client->handshake();
      send();
      take();
      return done;
    });
    world.settle();
  }
  // What the client has read when it ends with `end`.
  std::string receive_until(std::string_view end) {
    std::string text;
    until([&] {
      take();
      char piece[4096];
      std::size_t count = 0;
      while (SSL_read_ex(client->ssl(), piece, sizeof piece, &count) == 1) text.append(piece, count);
      send();
      return text.ends_with(end);
    });
    return text;
  }
  void receive_ticket() {
    until([&] {
      take();
      static_cast<void>(client->receive());
      return ticket != nullptr;
    });
  }
  // A first connection, for its ticket, and then one whose early data is `text`.
  void come_back_with(std::string_view text) {
    connect();
    finish_handshake();
    receive_ticket();
    world.context.connections.close_all();
    world.settle();
    connect();
    const std::unique_ptr<SSL_SESSION, SessionDeleter> used(SSL_SESSION_dup(ticket.get()));
    ASSERT_EQ(SSL_set_session(client->ssl(), used.get()), 1);
    std::size_t written = 0;
    ASSERT_EQ(SSL_write_early_data(client->ssl(), text.data(), text.size(), &written), 1);
    send();
  }
  bool closed() {
    char byte = 0;
    return ::recv(peer.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }
  std::uint64_t failures(HandshakeFailure why) const {
    return world.counters.handshake_failures[static_cast<std::size_t>(why)].value();
  }
  std::uint64_t resumed() const { return world.counters.handshakes[1][kH1][1].value(); }

  std::unique_ptr<SSL_SESSION, SessionDeleter> ticket;
  std::shared_ptr<const TlsContexts> contexts = make_contexts();
  ContextPtr client_side = client_context();
  FrontendWorld world;
  std::unique_ptr<MemoryClient> client;
  Fd peer;
  std::vector<bool> early;
  bool h2 = false;
};

TEST_F(EarlyStreamTest, ARequestThatComesBeforeTheHandshakeIsDoneIsEarlyAndTheNextIsNot) {
  come_back_with(kGet);
  EXPECT_EQ(early, std::vector{true});
  EXPECT_EQ(resumed(), 0U) << "not counted before it is done";
  finish_handshake();
  EXPECT_EQ(resumed(), 1U);
  client->send(kGet);
  send();
  receive_until("hello");
  EXPECT_EQ(early, (std::vector{true, false}));
}

TEST_F(EarlyStreamTest, OfH2Likewise) {
  h2 = true;
  const std::string hello = std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
  const std::string get =
      "\x82\x87\x84\x41\x01"
      "a";  // RFC 7541 appendix A
  constexpr std::uint8_t kWhole = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
  come_back_with(hello + h2_frame(NGHTTP2_HEADERS, kWhole, 1, get));
  EXPECT_EQ(early, std::vector{true});
  finish_handshake();
  EXPECT_EQ(world.counters.handshakes[1][static_cast<std::size_t>(Protocol::kH2)][1].value(), 1U);
  client->send(h2_frame(NGHTTP2_HEADERS, kWhole, 3, get));
  send();
  until([&] { return early.size() == 2; });
  EXPECT_EQ(early, (std::vector{true, false}));
}

TEST_F(EarlyStreamTest, AnAnswerGoesOutBeforeTheHandshakeIsDone) {
  come_back_with(kGet);
  take();
  char piece[4096];
  std::size_t count = 0;
  ASSERT_EQ(SSL_read_ex(client->ssl(), piece, sizeof piece, &count), 1);
  EXPECT_TRUE(std::string_view(piece, count).ends_with("hello"));
  EXPECT_EQ(resumed(), 0U);
}

TEST_F(EarlyStreamTest, ARequestWhoseHeadEndsAfterTheHandshakeIsAnOrdinaryOne) {
  come_back_with(kGet.substr(0, 20));
  EXPECT_TRUE(early.empty());
  finish_handshake();
  client->send(kGet.substr(20));
  send();
  receive_until("hello");
  EXPECT_EQ(early, std::vector{false});
}

TEST_F(EarlyStreamTest, AHandshakeThatIsNotDoneInTimeIsCountedAndClosed) {
  come_back_with("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(early, std::vector{true});
  world.pass(world.context.policy->connection.handshake_timeout + std::chrono::seconds(1));
  until([&] { return world.context.connections.size() == 0; });
  EXPECT_EQ(failures(HandshakeFailure::kTimeout), 1U);
  EXPECT_EQ(failures(HandshakeFailure::kClosed), 0U);
  EXPECT_EQ(world.live.size(), 0U) << "the request has ended with it";
}

TEST_F(EarlyStreamTest, AHandshakeThatIsDoneHasNoTimeoutAnyMore) {
  come_back_with("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  finish_handshake();
  world.pass(world.context.policy->connection.handshake_timeout + std::chrono::seconds(1));
  EXPECT_EQ(world.live.size(), 1U);
  EXPECT_EQ(failures(HandshakeFailure::kTimeout), 0U);
}

TEST_F(EarlyStreamTest, AClientThatGoesAwayBeforeItIsDoneIsCounted) {
  come_back_with("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.reset();
  until([&] { return world.context.connections.size() == 0; });
  EXPECT_EQ(failures(HandshakeFailure::kClosed), 1U);
  EXPECT_EQ(resumed(), 0U);
}

TEST_F(EarlyStreamTest, TheHandshakeGoesOnThoughTheCodecDoesNotRead) {
  come_back_with("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(early, std::vector{true}) << "the second waits for the first";
  finish_handshake();
  EXPECT_EQ(resumed(), 1U);
  world.live.at(0)->respond({.status = 200}, "hello");
  receive_until("hello");
  until([&] { return early.size() == 2; });
  EXPECT_EQ(early, (std::vector{true, false}));
}

}  // namespace
}  // namespace gatehouse::testing_support
