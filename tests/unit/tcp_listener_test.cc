#include "proxy/frontend/tcp_listener.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/sockets.h"
#include "proxy/frontend/tls_contexts.h"
#include "tests/support/frontend_testing.h"
#include "tests/support/stream_testing.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr auto kPoll = EventLoop::Wait::kNever;

// A listener on loopback, a loop on a manual clock, and real sockets for clients.
class Front : public FrontendWorld {
 public:
  explicit Front(std::shared_ptr<const TlsContexts> tls = nullptr, std::shared_ptr<ConnectionBudget> budget = nullptr) {
    context.tls = std::move(tls);
    context.budget = std::move(budget);
    context.speaks_h2 = context.tls != nullptr;
    Fd socket = sockets::listen(Address::parse("127.0.0.1:0").value()).value();
    address = Address::local_of(socket.get());
    listener.emplace(context, std::move(socket));
  }
  ~Front() override { listener.reset(); }
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  Fd connect() const { return sockets::connect(address).value(); }
  void until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < deadline) loop.turn(kPoll);
    EXPECT_TRUE(done());
  }
  std::size_t open() const { return context.connections.size(); }

  Address address;
  std::optional<TcpListener> listener;
};

std::string ask(Front& front, const Fd& client, std::string_view request) {
  EXPECT_EQ(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), std::ssize(request));
  std::string answer;
  front.until([&] {
    char piece[4096];
    const ssize_t count = ::recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (count > 0) answer.append(piece, static_cast<std::size_t>(count));
    return answer.ends_with("hello");
  });
  return answer;
}

bool ended(const Fd& client) {
  char byte = 0;
  return ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
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
  std::string answer;
  front.until([&] {
    char piece[4096];
    const int count = SSL_read(ssl.get(), piece, sizeof piece);
    if (count > 0) answer.append(piece, static_cast<std::size_t>(count));
    return answer.ends_with("hello");
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

TEST(TcpListener, BeyondTheLimitTheConnectionIdleLongestMakesRoom) {
  Front front(nullptr, std::make_shared<ConnectionBudget>(2));
  const Fd first = front.connect();
  ask(front, first, get());
  const Fd second = front.connect();
  ask(front, second, get());
  const Fd third = front.connect();
  front.until([&] { return front.counters.refused.value() == 1; });
  front.clock.advance(std::chrono::milliseconds(2));
  EXPECT_THAT(ask(front, third, get()), EndsWith("hello"));
  EXPECT_TRUE(ended(first));
  EXPECT_FALSE(ended(second));
  EXPECT_EQ(front.open(), 2U);
  EXPECT_GE(front.counters.refused.value(), 1U);
}

TEST(TcpListener, WithNobodyIdleNewClientsWaitInTheBacklog) {
  Front front(nullptr, std::make_shared<ConnectionBudget>(1));
  front.script = [](Exchange&) {};
  const Fd busy = front.connect();
  const std::string request = get();
  ASSERT_GT(::send(busy.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  front.until([&] { return front.live.size() == 1; });
  const Fd waiting = front.connect();
  ASSERT_GT(::send(waiting.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  for (int i = 0; i < 50; ++i) front.loop.turn(kPoll);
  // It rests: one refusal, however many turns go by.
  EXPECT_EQ(front.counters.refused.value(), 1U);
  front.live[0]->respond({.status = 200}, "hello");
  front.script = [](Exchange& exchange) { exchange.respond({.status = 200}, "hello"); };
  front.settle();
  front.clock.advance(std::chrono::milliseconds(101));
  front.until([&] { return front.counters.refused.value() == 2; });  // the first is idle now, and makes room
  front.clock.advance(std::chrono::milliseconds(2));
  EXPECT_THAT(ask(front, waiting, ""), EndsWith("hello"));
}

TEST(TcpListener, WithoutDescriptorsItRestsAndRecovers) {
  Front front;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd client = front.connect();
  const rlimit none{.rlim_cur = static_cast<rlim_t>(client.get()) + 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int i = 0; i < 50; ++i) front.loop.turn(kPoll);
  const std::size_t while_short = front.open();
  const std::uint64_t refused = front.counters.refused.value();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(while_short, 0U);
  EXPECT_EQ(refused, 1U);
  front.clock.advance(std::chrono::milliseconds(101));
  EXPECT_THAT(ask(front, client, get()), EndsWith("hello"));
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
