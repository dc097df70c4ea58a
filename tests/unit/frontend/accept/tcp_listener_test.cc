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
  const Fd plain = front.connect();
  const std::string text = get();
  ASSERT_GT(::send(plain.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  front.until([&] { return failures(HandshakeFailure::kProtocol) == 1; });
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
