// TLS to endpoints, byte by byte: what is data and what is TLS's own, on connections that are kept and others. The
// endpoint is OpenSSL on memory; its bytes go over a bare socket when the test says so.
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "common/crypto/certificate.h"
#include "common/crypto/certificate_store.h"
#include "common/crypto/tls_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tls_testing.h"
#include "tests/support/upstream_testing.h"

namespace gatehouse {
namespace {

using namespace testing_support;

// The endpoint's side of one connection.
class TlsEnd {
 public:
  TlsEnd(ScriptedConnection connection, SSL_CTX& context)
      : connection_(std::move(connection)), ssl_(server_ssl(context)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  // Takes in what has come, and answers what TLS itself answers.
  void pump() {
    const std::string wire = connection_.received();
    connection_.forget();
    if (!wire.empty()) {
      EXPECT_EQ(BIO_write(SSL_get_rbio(ssl_.get()), wire.data(), static_cast<int>(wire.size())), std::ssize(wire));
    }
    char piece[16384];
    int count = 0;
    while ((count = SSL_read(ssl_.get(), piece, sizeof piece)) > 0)
      received_.append(piece, static_cast<std::size_t>(count));
    connection_.send(take_wire());
  }
  void encrypt(std::string_view text) {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), std::ssize(text));
  }
  void send(std::string_view text) {
    encrypt(text);
    connection_.send(take_wire());
  }
  void send_ticket() {
    EXPECT_EQ(SSL_new_session_ticket(ssl_.get()), 1);
    EXPECT_EQ(SSL_do_handshake(ssl_.get()), 1);
    connection_.send(take_wire());
  }
  std::string take_wire() {
    BIO* out = SSL_get_wbio(ssl_.get());
    std::string bytes(BIO_ctrl_pending(out), '\0');
    if (!bytes.empty()) {
      EXPECT_EQ(BIO_read(out, bytes.data(), static_cast<int>(bytes.size())), std::ssize(bytes));
    }
    return bytes;
  }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  std::string& received() { return received_; }
  ScriptedConnection& connection() { return connection_; }

 private:
  ScriptedConnection connection_;
  TlsStream::SslPtr ssl_;
  std::string received_;
};

class UpstreamTlsTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { serve({}); }

  // The endpoint has such a certificate, which is all that is trusted.
  void serve(const TestCertificate& wanted) {
    const PemPair pem = make_certificate(wanted);
    const auto certificate = Certificate::parse(pem.certificate, pem.private_key, "test");
    ASSERT_TRUE(certificate);
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_min_proto_version(context_.get(), GetParam());
    SSL_CTX_set_max_proto_version(context_.get(), GetParam());
    ASSERT_TRUE((*certificate)->install(context_.get()));
    CertificateStore files;
    auto client = TlsClient::make({.ca = folder_.write("ca.pem", pem.certificate)}, files);
    ASSERT_TRUE(client) << client.error().message;
    endpoint_ = std::make_shared<Endpoint>(
        Endpoint::Identity{.upstream = "shop",
                           .address = listener_.address(),
                           .tls = std::make_shared<TlsServer>(*std::move(client), "localhost")});
    routes_ = routes_to(upstream_with(set_with({{.endpoint = endpoint_}})));
  }
  TestExchange exchange(const std::string& method = "GET") { return {world_, routes_, request_head(method)}; }
  TlsEnd accept() { return {world_.accept(listener_), *context_}; }
  void await_request(TlsEnd& end) {
    world_.turn_until([&] {
      end.pump();
      return end.received().contains("\r\n\r\n");
    });
    world_.settle();
  }
  void carry(TestExchange& e, TlsEnd& end) {
    await_request(end);
    end.received().clear();
    end.send(kOkResponse);
    world_.turn_until([&] { return e.over(); });
    world_.settle();
    EXPECT_EQ(e.body, "hello");
  }
  TlsEnd kept_connection() {
    TestExchange e = exchange();
    TlsEnd end = accept();
    carry(e, end);
    EXPECT_EQ(counters().connections_idle.value(), 1U);
    return end;
  }
  void expect_fault(TestExchange& e, TlsEnd& end, Fault fault) {
    world_.turn_until([&] {
      end.pump();
      return e.over();
    });
    EXPECT_EQ(e->record().fault, fault);
    EXPECT_TRUE(end.received().empty());
  }
  EndpointCounters& counters() { return world_.endpoint_counters[endpoint_->name()]; }

  TemporaryFolder folder_;
  UpstreamWorld world_;
  ScriptedEndpoint listener_;
  ContextPtr context_;
  std::shared_ptr<Endpoint> endpoint_;
  std::shared_ptr<const RouteTable> routes_;
};

TEST_P(UpstreamTlsTest, AConnectionIsKeptAndUsedAgain) {
  TlsEnd end = kept_connection();
  EXPECT_EQ(endpoint_->name(), "https://" + listener_.address().to_string());
  for (int i = 0; i < 3; ++i) {
    TestExchange e = exchange("POST");
    carry(e, end);
  }
  EXPECT_EQ(counters().connects_ok.value(), 1U);
  EXPECT_EQ(counters().extra_bytes.value(), 0U);
}

TEST_P(UpstreamTlsTest, ATicketThatComesLateIsNoResponse) {
  if (GetParam() != TLS1_3_VERSION) GTEST_SKIP();
  TlsEnd end = kept_connection();
  end.send_ticket();
  world_.settle();
  EXPECT_EQ(counters().connections_idle.value(), 1U);
  end.send_ticket();  // and one that only the socket knows of when the request leaves
  TestExchange e = exchange("POST");
  carry(e, end);
  EXPECT_EQ(counters().connects_ok.value(), 1U);
  EXPECT_EQ(counters().extra_bytes.value(), 0U);
}

TEST_P(UpstreamTlsTest, WhatNobodyAskedForEndsAKeptConnection) {
  TlsEnd end = kept_connection();
  end.send(kOkResponse);
  world_.turn_until([&] { return counters().connections_idle.value() == 0; });
  EXPECT_EQ(counters().extra_bytes.value(), 1U);
}

TEST_P(UpstreamTlsTest, NeitherIsAResponseThatComesInPartsBeforeTheRequest) {
  TlsEnd end = kept_connection();
  end.encrypt(kOkResponse);
  const std::string record = end.take_wire();
  end.connection().send(record.substr(0, 5));  // its head, and nothing of it
  world_.turn_until([&] { return counters().connections_idle.value() == 0; });
  TestExchange e = exchange("POST");
  TlsEnd other = accept();
  carry(e, other);
  EXPECT_EQ(counters().connects_ok.value(), 2U);
}

TEST_P(UpstreamTlsTest, TheNextConnectionResumesTheSession) {
  for (int i = 0; i < 3; ++i) {
    TlsEnd end = kept_connection();
    EXPECT_EQ(end.resumed(), i > 0);
    end.connection().close();  // without a word, which spoils nothing
    world_.turn_until([&] { return counters().connections_idle.value() == 0; });
  }
}

TEST_P(UpstreamTlsTest, AnEndWithoutCloseNotifyIsNone) {
  TestExchange e = exchange();
  TlsEnd end = accept();
  await_request(end);
  end.send("HTTP/1.1 200 OK\r\n\r\nhello");
  world_.turn_until([&] { return e.body == "hello"; });
  EXPECT_FALSE(e.over());
  end.connection().finish_sending();
  world_.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->record().fault, Fault::kUpstreamTruncated);
}

TEST_P(UpstreamTlsTest, AnExpiredCertificateGetsNoRequest) {
  serve({.valid_for = -std::chrono::hours(1)});
  TestExchange e = exchange();
  TlsEnd end = accept();
  expect_fault(e, end, Fault::kUpstreamTlsExpired);
  EXPECT_EQ(counters().connects_tls.value(), 1U);
}

TEST_P(UpstreamTlsTest, NeitherDoesOneForAnotherName) {
  serve({.names = {"elsewhere"}});
  TestExchange e = exchange();
  TlsEnd end = accept();
  expect_fault(e, end, Fault::kUpstreamTlsName);
}

TEST_P(UpstreamTlsTest, TheHandshakeHasTheTimeOfTheConnect) {
  TestExchange e = exchange();
  ScriptedConnection silent = world_.accept(listener_);
  world_.settle();
  world_.advance(defaults::kConnectTimeout + std::chrono::seconds(1));
  world_.turn_until([&] { return e.over(); });
  EXPECT_EQ(e->record().fault, Fault::kUpstreamTlsTimeout);
  EXPECT_EQ(e.status(), 504);
}

INSTANTIATE_TEST_SUITE_P(Versions, UpstreamTlsTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const testing::TestParamInfo<int>& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace gatehouse
