#include "proxy/frontend/accept/tcp_listener.h"

#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/tcp_front.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::shared_ptr<const Certificate> self_signed() {
  const PemPair pem = make_certificate();
  return Certificate::parse(pem.certificate, pem.private_key, "test").value();
}

TEST(TcpListener, AcceptsAndAnswersOverCleartext) {
  Front front;
  const Fd client = front.connect();
  EXPECT_THAT(ask(front, client, get()), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_EQ(front.counters.connections_total[static_cast<std::size_t>(Protocol::kH1)].value(), 1U);
}

TEST(TcpListener, AnswersOverTlsAndCountsTheHandshake) {
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()}};
  Front front(TlsContexts::make(std::move(options)).value());
  const ContextPtr context = client_context();
  const TlsStream::SslPtr ssl = client_ssl(*context);
  const Fd client = front.connect();
  SSL_set_fd(ssl.get(), client.get());
  front.until([&] { return SSL_do_handshake(ssl.get()) == 1; });
  const std::string request = get();
  ASSERT_EQ(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())), std::ssize(request));
  std::string response;
  front.until([&] {
    char piece[4096];
    const int count = SSL_read(ssl.get(), piece, sizeof piece);
    if (count > 0) response.append(piece, static_cast<std::size_t>(count));
    return response.ends_with("hello");
  });
  EXPECT_EQ(front.counters.handshakes[1][static_cast<std::size_t>(Protocol::kH1)][0].value(), 1U);
  ASSERT_FALSE(front.ended.empty());
}

TEST(TcpListener, FailedHandshakesAreCountedByTheirReason) {
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()}};
  Front front(TlsContexts::make(std::move(options)).value());
  const auto failures = [&](HandshakeFailure why) {
    return front.counters.handshake_failures[static_cast<std::size_t>(why)].value();
  };
  const Fd noise = front.connect();
  const std::string text = "get / HTTP/1.1\r\n";
  ASSERT_GT(::send(noise.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  front.until([&] { return failures(HandshakeFailure::kProtocol) == 1; });
  front.until([&] { return ended(noise) || sockets::take_error(noise.get()) != 0; });
  {
    const Fd leaving = front.connect();
    front.until([&] { return front.open() == 1; });
  }
  front.until([&] { return failures(HandshakeFailure::kClosed) == 1; });
  const Fd silent = front.connect();
  front.until([&] { return front.open() == 1; });
  front.clock.advance(std::chrono::seconds(11));
  front.until([&] { return failures(HandshakeFailure::kTimeout) == 1 && front.open() == 0; });
}

// Without TLS, and without a word of what it has said; whatever its protocol is, this one begins with a word.
TEST(TcpListener, WhoSpeaksWithoutTlsIsToldThatTheListenerSpeaksIt) {
  for (const std::string& text : {get("/secret"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                                  std::string("OPTIONS * HTTP/1.1\r\nHost: a b\r\n\r\n"),
                                  std::string("EHLO secret\r\n"), std::string("USER secret\r\nPASS x\r\n"),
                                  post("secret"), std::string("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")}) {
    SCOPED_TRACE(text);
    Front front(TlsContexts::make({.certificates = {self_signed()}}).value());
    const Fd client = front.connect();
    ASSERT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), std::ssize(text));
    std::string response;
    front.until([&] {
      char piece[4096];
      const ssize_t count = ::recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
      if (count > 0) response.append(piece, static_cast<std::size_t>(count));
      return count == 0;
    });
    EXPECT_THAT(response, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(response, HasSubstr("plain_http_on_tls: "));
    EXPECT_THAT(response, HasSubstr("This port speaks HTTPS"));
    EXPECT_THAT(response, Not(HasSubstr("secret")));
    EXPECT_EQ(front.counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kPlainHttp)].value(), 1U);
    ASSERT_EQ(front.ended.size(), 1U);
    EXPECT_EQ(front.ended[0].fault, Fault::kPlainHttpOnTls);
    EXPECT_TRUE(front.live.empty());
  }
}

TEST(TcpListener, ARequestWithoutTlsMayComeByteByByte) {
  Front front(TlsContexts::make({.certificates = {self_signed()}}).value());
  const Fd client = front.connect();
  for (const char c : get()) {
    ASSERT_EQ(::send(client.get(), &c, 1, MSG_NOSIGNAL), 1);
    for (int i = 0; i < 4; ++i) front.loop.turn(EventLoop::Wait::kNever);
  }
  front.until([&] { return front.ended.size() == 1; });
  EXPECT_EQ(front.ended[0].fault, Fault::kPlainHttpOnTls);
  EXPECT_EQ(front.ended[0].target, "/");
}

TEST(TcpListener, ClosingTakesWhoeverWaitsAndLeavesConnectionsOpen) {
  Front front;
  const Fd served = front.connect();
  ask(front, served, get());
  const Fd waiting = front.connect();
  front.listener->close();
  EXPECT_TRUE(front.listener->closed());
  EXPECT_THAT(ask(front, waiting, get()), EndsWith("hello"));
  EXPECT_THAT(ask(front, served, get()), EndsWith("hello"));
  const Fd late = front.connect();
  EXPECT_NE(sockets::take_error(late.get()), 0);
}

TEST(ConnectionBudget, ABudgetAlsoAsksTheOneAboveIt) {
  const auto process = std::make_shared<ConnectionBudget>(2);
  const auto one = std::make_shared<ConnectionBudget>(0, process);
  const auto other = std::make_shared<ConnectionBudget>(1, process);
  ConnectionPermit first = ConnectionPermit::request(one);
  ConnectionPermit second = ConnectionPermit::request(other);
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(ConnectionPermit::request(one));
  EXPECT_EQ(one->open(), 1U);
  second = ConnectionPermit();
  EXPECT_EQ(other->open(), 0U);
  ConnectionPermit moved = std::move(first);
  EXPECT_TRUE(ConnectionPermit::request(one));
  EXPECT_EQ(process->open(), 1U);
  EXPECT_TRUE(ConnectionPermit::request(nullptr));
}

}  // namespace
}  // namespace gatehouse::testing_support
