// Connections that begin with a PROXY header: whose they are, to whom it is allowed, and what becomes of the others.
#include "proxy/frontend/accept/proxy_accept.h"

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/frontend/client_table.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "tests/support/tcp_front.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kHeader = "PROXY TCP4 203.0.113.7 198.51.100.1 35646 443\r\n";
constexpr std::string_view kLocal("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

std::string request() {
  return "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
}

class ProxyAcceptTest : public testing::Test {
 protected:
  // Remembers whom each exchange is of, and answers it.
  Front& front(ProxyProtocol mode, const char* trusted = "127.0.0.0/8",
               std::shared_ptr<const TlsContexts> tls = nullptr, std::shared_ptr<ConnectionBudget> budget = nullptr) {
    made_ = std::make_unique<Front>(std::move(tls), std::move(budget));
    ListenerPolicy policy;
    policy.name = "test";
    policy.proxy_protocol = mode;
    policy.trusted_proxies = {AddressRange::parse(trusted).value()};
    made_->context.policy = std::make_shared<const ListenerPolicy>(std::move(policy));
    made_->script = [this](Exchange& exchange) {
      clients.push_back(exchange.client());
      exchange.respond({.status = 200}, "hello");
    };
    return *made_;
  }
  static void send(const Fd& client, std::string_view bytes) {
    ASSERT_EQ(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  std::uint64_t failures(ProxyHeaderFailure why) const {
    return made_->counters.proxy_header_failures[static_cast<std::size_t>(why)].value();
  }
  std::uint64_t all_failures() const {
    std::uint64_t sum = 0;
    for (const Counter& each : made_->counters.proxy_header_failures) sum += each.value();
    return sum;
  }
  static bool gone(const Fd& client) {
    char byte = 0;
    const ssize_t count = ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return count == 0 || (count < 0 && errno == ECONNRESET);
  }
  // What a trusted proxy sends that is closed, and why.
  void refuses(ProxyProtocol mode, std::string_view bytes, ProxyHeaderFailure why) {
    Front& at = front(mode);
    const Fd client = at.connect();
    send(client, bytes);
    at.until([&] { return gone(client); });
    EXPECT_EQ(failures(why), 1U) << label(why);
    EXPECT_EQ(all_failures(), 1U);
    EXPECT_EQ(at.open(), 0U);
    EXPECT_EQ(at.begun, 0);
  }

  std::vector<ClientInfo> clients;

 private:
  std::unique_ptr<Front> made_;
};

TEST_F(ProxyAcceptTest, TheClientIsWhomTheHeaderNames) {
  Front& at = front(ProxyProtocol::kRequire);
  const Fd client = at.connect();
  EXPECT_THAT(ask(at, client, std::string(kHeader) + request()), HasSubstr("200 OK"));
  ASSERT_EQ(clients.size(), 1U);
  EXPECT_EQ(clients[0].address.to_string(), "203.0.113.7:35646");
  ASSERT_TRUE(clients[0].proxied);
  EXPECT_EQ(clients[0].proxied->proxy.host(), "127.0.0.1");
  EXPECT_EQ(clients[0].proxied->destination->to_string(), "198.51.100.1:443");
  EXPECT_FALSE(at.context.policy->trusts(clients[0].address)) << "the client is believed nothing";
}

TEST_F(ProxyAcceptTest, AHeaderMayComeByteByByte) {
  Front& at = front(ProxyProtocol::kOptional);
  const Fd client = at.connect();
  for (const char c : kHeader) {
    send(client, std::string(1, c));
    at.settle();
  }
  EXPECT_THAT(ask(at, client, request()), HasSubstr("200 OK"));
  EXPECT_EQ(clients.at(0).address.to_string(), "203.0.113.7:35646");
}

TEST_F(ProxyAcceptTest, AConnectionOfTheProxyItselfHasItsOwnAddress) {
  for (const std::string& header : {std::string(kLocal), std::string("PROXY UNKNOWN\r\n")}) {
    clients.clear();
    Front& at = front(ProxyProtocol::kRequire);
    const Fd client = at.connect();
    EXPECT_THAT(ask(at, client, header + request()), HasSubstr("200 OK"));
    EXPECT_EQ(clients.at(0).address.host(), "127.0.0.1");
  }
}

TEST_F(ProxyAcceptTest, ATrustedProxyMayLeaveAnOptionalHeaderOut) {
  Front& at = front(ProxyProtocol::kOptional);
  const Fd client = at.connect();
  const std::string text = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
  for (const char c : text.substr(0, 3)) {
    send(client, std::string(1, c));
    at.settle();
  }
  EXPECT_THAT(ask(at, client, text.substr(3)), HasSubstr("200 OK"));
  EXPECT_EQ(clients.at(0).address.host(), "127.0.0.1");
  EXPECT_FALSE(clients.at(0).proxied);
  EXPECT_EQ(at.ended.at(0).method, "PUT");
}

TEST_F(ProxyAcceptTest, WhatIsNoHeaderIsClosedWithItsReason) {
  const std::string v2_beginning(kLocal.substr(0, 12));
  refuses(ProxyProtocol::kRequire, request(), ProxyHeaderFailure::kMissing);
  refuses(ProxyProtocol::kRequire, "PROXY TCP4 1.2.3.4\r\n" + request(), ProxyHeaderFailure::kInvalid);
  refuses(ProxyProtocol::kOptional, "PROXY TCP4 1.2.3.4\r\n" + request(), ProxyHeaderFailure::kInvalid);
  refuses(ProxyProtocol::kRequire, "PROXY UNKNOWN " + std::string(200, 'x'), ProxyHeaderFailure::kTooLong);
  refuses(ProxyProtocol::kRequire, v2_beginning + "\x21\x11\xff\xff", ProxyHeaderFailure::kTooLong);
  refuses(ProxyProtocol::kRequire, v2_beginning + std::string("\x21\x00\x00\x07\x03\x00\x04", 7) + "abcd",
          ProxyHeaderFailure::kChecksum);
}

TEST_F(ProxyAcceptTest, SomebodyElseMustNotSendOne) {
  Front& at = front(ProxyProtocol::kRequire, "10.0.0.0/8");
  const Fd client = at.connect();
  send(client, std::string(kHeader) + request());
  at.until([&] { return gone(client); });
  EXPECT_EQ(failures(ProxyHeaderFailure::kUntrusted), 1U);
  EXPECT_TRUE(clients.empty());
}

TEST_F(ProxyAcceptTest, SomebodyElsesBytesAreHttpWhereItIsOptional) {
  Front& at = front(ProxyProtocol::kOptional, "10.0.0.0/8");
  const Fd client = at.connect();
  EXPECT_THAT(ask(at, client, request()), HasSubstr("200 OK"));
  EXPECT_EQ(clients.at(0).address.host(), "127.0.0.1");
  const Fd liar = at.connect();
  send(liar, std::string(kHeader) + request());
  at.until([&] { return at.ended.size() == 2; });
  EXPECT_EQ(at.ended[1].fault, Fault::kMalformedRequest);
  EXPECT_EQ(all_failures(), 0U);
}

TEST_F(ProxyAcceptTest, AProxyThatSaysNothingIsNotCountedButOneThatStopsIs) {
  Front& at = front(ProxyProtocol::kRequire);
  {
    const Fd check = at.connect();
    at.until([&] { return at.open() == 1; });
  }
  at.until([&] { return at.open() == 0; });
  EXPECT_EQ(all_failures(), 0U);
  for (const std::string_view part : {kHeader.substr(0, 3), kHeader.substr(0, 20), kLocal.substr(0, 14)}) {
    const std::uint64_t before = failures(ProxyHeaderFailure::kClosed);
    {
      const Fd client = at.connect();
      send(client, part);
      at.until([&] { return at.open() == 1; });
    }
    at.until([&] { return at.open() == 0; });
    EXPECT_EQ(failures(ProxyHeaderFailure::kClosed), before + 1) << part;
  }
}

TEST_F(ProxyAcceptTest, TheHeaderHasTheTimeOfAHandshake) {
  Front& at = front(ProxyProtocol::kRequire);
  const Fd client = at.connect();
  send(client, kHeader.substr(0, 20));
  at.until([&] { return at.open() == 1; });
  at.advance(9s);
  EXPECT_EQ(at.open(), 1U);
  at.advance(1s);
  EXPECT_EQ(at.open(), 0U);
  EXPECT_EQ(failures(ProxyHeaderFailure::kTimeout), 1U);
}

TEST_F(ProxyAcceptTest, TheHeaderComesBeforeTlsAndSharesItsTime) {
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {Certificate::parse(pem.certificate, pem.private_key, "test").value()}};
  Front& at = front(ProxyProtocol::kRequire, "127.0.0.0/8", TlsContexts::make(std::move(options)).value());
  const ContextPtr context = client_context();
  const TlsStream::SslPtr ssl = client_ssl(*context);
  const Fd client = at.connect();
  send(client, kHeader);
  SSL_set_fd(ssl.get(), client.get());
  at.until([&] { return SSL_do_handshake(ssl.get()) == 1; });
  const std::string text = request();
  ASSERT_EQ(SSL_write(ssl.get(), text.data(), static_cast<int>(text.size())), std::ssize(text));
  at.until([&] { return clients.size() == 1; });
  EXPECT_EQ(clients.at(0).address.to_string(), "203.0.113.7:35646");
  ASSERT_TRUE(clients.at(0).proxied);

  const Fd slow = at.connect();
  at.until([&] { return at.open() == 2; });
  at.advance(6s);
  send(slow, kHeader);
  at.settle();
  at.advance(4s);
  at.until([&] { return gone(slow); });
  EXPECT_EQ(at.counters.handshake_failures[static_cast<std::size_t>(HandshakeFailure::kTimeout)].value(), 1U);
}

TEST_F(ProxyAcceptTest, LimitsOfOneClientAreForTheAddressOfTheHeader) {
  const auto table = std::make_shared<ClientTable>();
  table->set_limits({.connections = 1});
  Front& at = front(ProxyProtocol::kRequire, "127.0.0.0/8", nullptr, std::make_shared<ConnectionBudget>(0, table));
  const Fd first = at.connect();
  EXPECT_THAT(ask(at, first, std::string(kHeader) + request()), HasSubstr("200 OK"));
  const Fd second = at.connect();
  send(second, kHeader);
  at.until([&] { return gone(second); });
  EXPECT_EQ(at.counters.refused[static_cast<std::size_t>(ConnectionRefusal::kClientConnections)].value(), 1U);
  const Fd other = at.connect();
  EXPECT_THAT(ask(at, other, "PROXY TCP4 203.0.113.8 198.51.100.1 1 443\r\n" + request()), HasSubstr("200 OK"));
  EXPECT_EQ(table->known_clients(), 2U);
}

}  // namespace
}  // namespace gatehouse::testing_support
