#include "proxy/frontend/tls/tls_contexts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "proxy/frontend/accept/tls_accept.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Certificate> certificate(const TestCertificate& wanted) {
  const PemPair pem = make_certificate(wanted);
  auto made = Certificate::parse(pem.certificate, pem.private_key, wanted.names.front());
  EXPECT_TRUE(made.has_value());
  return made ? *made : nullptr;
}

std::shared_ptr<const TlsContexts> contexts(TlsOptions options) {
  auto made = TlsContexts::make(std::move(options));
  EXPECT_TRUE(made.has_value());
  return made ? *made : nullptr;
}

struct ClientHello {
  std::string server_name;
  std::string alpn;                  // wire form
  const char* signatures = nullptr;  // of TLS 1.2 and 1.3
  int max_version = TLS1_3_VERSION;
  const char* ciphers = nullptr;
  SSL_SESSION* session = nullptr;
};

struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionDeleter>;

struct Outcome {
  bool done = false;
  std::string version;
  std::string subject;  // of the server's certificate
  int key_type = 0;
  std::string alpn;
  bool resumed = false;
  std::string name;   // that the server has seen
  std::string error;  // of the server
  std::string alert;  // that the client got
  std::string group;
  SessionPtr session;  // with a ticket, for the next one
};

std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "" : reason;
}

TlsStream::SslPtr make_client(SSL_CTX& context, const ClientHello& hello) {
  TlsStream::SslPtr client = client_ssl(context);
  SSL_set_min_proto_version(client.get(), TLS1_VERSION);
  SSL_set_max_proto_version(client.get(), hello.max_version);
  SSL_set_security_level(client.get(), 0);
  if (!hello.server_name.empty()) SSL_set_tlsext_host_name(client.get(), hello.server_name.c_str());
  if (!hello.alpn.empty()) {
    SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(hello.alpn.data()),
                        static_cast<unsigned>(hello.alpn.size()));
  }
  if (hello.signatures != nullptr) SSL_set1_sigalgs_list(client.get(), hello.signatures);
  if (hello.ciphers != nullptr) SSL_set_cipher_list(client.get(), hello.ciphers);
  if (hello.session != nullptr) SSL_set_session(client.get(), hello.session);
  return client;
}

void describe(Outcome& outcome, SSL* client, SSL* server) {
  outcome.version = SSL_get_version(client);
  if (X509* leaf = SSL_get0_peer_certificate(client)) {
    char text[64] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text, sizeof text);
    outcome.subject = text;
    outcome.key_type = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf));
  }
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client, &name, &size);
  outcome.alpn.assign(reinterpret_cast<const char*>(name), size);
  outcome.resumed = SSL_session_reused(server) == 1;
  outcome.name = server_name_of(server);
  if (const char* group = SSL_get0_group_name(client)) outcome.group = group;
  outcome.session.reset(SSL_get1_session(client));
}

// Both ends on memory, in turns, with what each end says on failure.
Outcome shake_hands(const TlsContexts& contexts, const ClientHello& hello, SSL_CTX& client_context) {
  ERR_clear_error();
  const TlsStream::SslPtr client = make_client(client_context, hello);
  const TlsStream::SslPtr server = contexts.new_ssl();
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  EXPECT_EQ(BIO_new_bio_pair(&client_end, 0, &server_end, 0), 1);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_bio(server.get(), server_end, server_end);
  Outcome outcome;
  for (int i = 0; i < 10; ++i) {
    const bool client_done = SSL_do_handshake(client.get()) == 1;
    if (const std::string reason = last_reason(); !reason.empty() && outcome.alert.empty()) outcome.alert = reason;
    const bool server_done = SSL_do_handshake(server.get()) == 1;
    if (const std::string reason = last_reason(); !reason.empty() && outcome.error.empty()) outcome.error = reason;
    outcome.done = client_done && server_done;
    if (outcome.done) break;
  }
  if (!outcome.done) return outcome;
  char byte = 0;
  SSL_read(client.get(), &byte, 1);  // takes the ticket of TLS 1.3
  ERR_clear_error();
  describe(outcome, client.get(), server.get());
  // Or the session would not be used again.
  for (SSL* end : {client.get(), server.get()}) SSL_set_shutdown(end, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  return outcome;
}

Outcome shake_hands(const TlsContexts& contexts, const ClientHello& hello = {}) {
  const ContextPtr context = client_context();
  return shake_hands(contexts, hello, *context);
}

TEST(TlsContexts, TheCertificateIsChosenByNameExactThenWildcardThenTheFirst) {
  const auto made = contexts({.certificates = {certificate({.names = {"default.test"}}),
                                               certificate({.names = {"*.example.com", "example.com"}}),
                                               certificate({.names = {"shop.example.com"}})}});
  const std::pair<std::string, std::string> rows[] = {{"shop.example.com", "shop.example.com"},
                                                      {"SHOP.example.COM", "shop.example.com"},
                                                      {"blog.example.com", "*.example.com"},
                                                      {"example.com", "*.example.com"},
                                                      {"a.b.example.com", "default.test"},
                                                      {"elsewhere.test", "default.test"},
                                                      {"", "default.test"}};
  for (const auto& [name, expected] : rows) {
    const Outcome outcome = shake_hands(*made, {.server_name = name});
    EXPECT_TRUE(outcome.done) << name;
    EXPECT_EQ(outcome.subject, expected) << name;
    EXPECT_EQ(outcome.version, "TLSv1.3");
  }
  EXPECT_EQ(shake_hands(*made, {.server_name = "Shop.Example.com"}).name, "shop.example.com");
}

TEST(TlsContexts, AnUnknownNameCanBeRefused) {
  const auto made =
      contexts({.certificates = {certificate({.names = {"known.test"}})}, .unknown_sni = UnknownSni::kReject});
  EXPECT_TRUE(shake_hands(*made, {.server_name = "known.test"}).done);
  EXPECT_TRUE(shake_hands(*made, {.server_name = ""}).done);
  const Outcome outcome = shake_hands(*made, {.server_name = "unknown.test"});
  EXPECT_FALSE(outcome.done);
  EXPECT_THAT(outcome.alert, HasSubstr("unrecognized name"));
  EXPECT_EQ(handshake_failure(outcome.error), HandshakeFailure::kUnknownName);
}

// The exact name first, and the wildcard where the client can use nothing that has the exact one.
TEST(TlsContexts, WhoCannotUseTheExactNamesKeyGetsTheWildcards) {
  using enum TestCertificate::Key;
  const auto made = contexts({.certificates = {certificate({.names = {"shop.test.example"}, .key = kEcdsa}),
                                               certificate({.names = {"*.test.example"}, .key = kRsa}),
                                               certificate({.names = {"*.other.example"}, .key = kEcdsa}),
                                               certificate({.names = {"shop.other.example"}, .key = kRsa})}});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto got = [&](const char* name, const char* signatures) {
      return shake_hands(*made, {.server_name = name, .signatures = signatures, .max_version = version}).subject;
    };
    EXPECT_EQ(got("shop.test.example", nullptr), "shop.test.example");
    EXPECT_EQ(got("shop.test.example", "ECDSA+SHA256"), "shop.test.example");
    EXPECT_EQ(got("shop.test.example", "RSA-PSS+SHA256:RSA+SHA256"), "*.test.example");
    EXPECT_EQ(got("shop.other.example", nullptr), "shop.other.example");
    EXPECT_EQ(got("shop.other.example", "ECDSA+SHA256"), "*.other.example");
  }
  // TLS 1.2 says it by its cipher suites, too.
  const Outcome old = shake_hands(
      *made,
      {.server_name = "shop.test.example", .max_version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"});
  EXPECT_TRUE(old.done);
  EXPECT_EQ(old.subject, "*.test.example");
  EXPECT_FALSE(shake_hands(*made, {.server_name = "shop.test.example", .signatures = "ed25519"}).done);
}

TEST(TlsContexts, OptionsWithTheSameObjectsAreTheSame) {
  EXPECT_FALSE(TlsContexts::make({}).has_value()) << "without a certificate there is nothing to serve";
  const TlsOptions options{.certificates = {certificate({})}, .ticket_keys = std::make_shared<TicketKeys>()};
  TlsOptions other = options;
  EXPECT_EQ(contexts(options)->options(), other);
  other.certificates = {certificate({})};
  EXPECT_NE(contexts(options)->options(), other);
}

TEST(TlsContexts, RsaAndEcdsaServeOneNameSideBySide) {
  const auto made =
      contexts({.certificates = {certificate({.names = {"two.test"}, .key = TestCertificate::Key::kRsa}),
                                 certificate({.names = {"two.test"}, .key = TestCertificate::Key::kEcdsa})}});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(shake_hands(
                  *made, {.server_name = "two.test", .signatures = "RSA-PSS+SHA256:RSA+SHA256", .max_version = version})
                  .key_type,
              EVP_PKEY_RSA);
    EXPECT_EQ(
        shake_hands(*made, {.server_name = "two.test", .signatures = "ECDSA+SHA256", .max_version = version}).key_type,
        EVP_PKEY_EC);
  }
}

TEST(TlsContexts, AlpnChoosesWhatTheListenerSpeaksAndRefusesWhatNobodyDoes) {
  const std::string both = "\x08http/1.1\x02h2";
  const std::string h1 = "\x08http/1.1";
  const std::string h2 = "\x02h2";
  const std::string ftp =
      "\x03"
      "ftp";
  const auto all = contexts({.certificates = {certificate({})}});
  EXPECT_EQ(shake_hands(*all, {.alpn = both}).alpn, "h2");
  EXPECT_EQ(shake_hands(*all, {.alpn = h1}).alpn, "http/1.1");
  EXPECT_EQ(shake_hands(*all).alpn, "");
  EXPECT_TRUE(shake_hands(*all).done);
  const Outcome refused = shake_hands(*all, {.alpn = ftp});
  EXPECT_FALSE(refused.done);
  EXPECT_EQ(handshake_failure(refused.error), HandshakeFailure::kAlpn);
  const auto only_h1 = contexts({.certificates = {certificate({})}, .speaks_h2 = false});
  EXPECT_EQ(shake_hands(*only_h1, {.alpn = both}).alpn, "http/1.1");
  EXPECT_FALSE(shake_hands(*only_h1, {.alpn = h2}).done);
}

TEST(TlsContexts, OldVersionsAndWeakCiphersAreRefused) {
  const auto made = contexts({.certificates = {certificate({}), certificate({.key = TestCertificate::Key::kRsa})}});
  EXPECT_EQ(shake_hands(*made, {.max_version = TLS1_2_VERSION}).version, "TLSv1.2");
  const Outcome old = shake_hands(*made, {.max_version = TLS1_1_VERSION});
  EXPECT_FALSE(old.done);
  EXPECT_EQ(handshake_failure(old.error), HandshakeFailure::kVersion);
  const Outcome cbc =
      shake_hands(*made, {.max_version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA:AES128-SHA"});
  EXPECT_FALSE(cbc.done);
  EXPECT_EQ(handshake_failure(cbc.error), HandshakeFailure::kNoSharedCipher);
  const auto new_only = contexts({.certificates = {certificate({})}, .min_version = TlsVersion::kTls13});
  EXPECT_FALSE(shake_hands(*new_only, {.max_version = TLS1_2_VERSION}).done);
}

TEST(TlsContexts, TheHybridGroupIsUsedWhereTheClientOffersIt) {
  const auto made = contexts({.certificates = {certificate({})}});
  EXPECT_EQ(shake_hands(*made).group, "X25519MLKEM768");
}

TEST(TlsContexts, ATicketResumesOnAnyContextsWithTheSameKeysAndNames) {
  const auto keys = std::make_shared<TicketKeys>();
  const auto before = contexts({.certificates = {certificate({.names = {"a.test"}})}, .ticket_keys = keys});
  const auto renewed = contexts({.certificates = {certificate({.names = {"a.test"}})}, .ticket_keys = keys});
  const auto strangers =
      contexts({.certificates = {certificate({.names = {"a.test"}})}, .ticket_keys = std::make_shared<TicketKeys>()});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const ContextPtr client = client_context();
    const Outcome first = shake_hands(*before, {.server_name = "a.test", .max_version = version}, *client);
    ASSERT_TRUE(first.done);
    EXPECT_FALSE(first.resumed);
    const ClientHello again{.server_name = "a.test", .max_version = version, .session = first.session.get()};
    EXPECT_TRUE(shake_hands(*renewed, again, *client).resumed);
    const Outcome elsewhere = shake_hands(*strangers, again, *client);
    EXPECT_TRUE(elsewhere.done);
    EXPECT_FALSE(elsewhere.resumed);
  }
}

TEST(TlsContexts, ATicketOfOneMachineResumesOnAnotherWithTheSameKeyFiles) {
  const TemporaryFolder folder;
  std::string bytes;
  for (char c = 0; c < 80; ++c) bytes += c;
  const std::string old_key = folder.write("old", bytes);
  std::ranges::reverse(bytes);
  const std::string new_key = folder.write("new", bytes);
  const auto machine = [&](const std::vector<std::string>& files) {
    return contexts({.certificates = {certificate({.names = {"a.test"}})}, .ticket_keys = *TicketKeys::load(files)});
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const ContextPtr client = client_context();
    const Outcome first = shake_hands(*machine({old_key}), {.server_name = "a.test", .max_version = version}, *client);
    const ClientHello again{.server_name = "a.test", .max_version = version, .session = first.session.get()};
    EXPECT_TRUE(shake_hands(*machine({old_key}), again, *client).resumed);
    EXPECT_TRUE(shake_hands(*machine({new_key, old_key}), again, *client).resumed);
    EXPECT_FALSE(shake_hands(*machine({new_key}), again, *client).resumed);
  }
}

TEST(TlsContexts, ATicketOfOneNameIsNotResumedUnderAnother) {
  const auto made = contexts({.certificates = {certificate({.names = {"a.test"}}), certificate({.names = {"b.test"}})},
                              .ticket_keys = std::make_shared<TicketKeys>()});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const ContextPtr client = client_context();
    const Outcome first = shake_hands(*made, {.server_name = "a.test", .max_version = version}, *client);
    const Outcome other =
        shake_hands(*made, {.server_name = "b.test", .max_version = version, .session = first.session.get()}, *client);
    EXPECT_TRUE(other.done);
    EXPECT_FALSE(other.resumed);
    EXPECT_EQ(other.subject, "b.test");
    EXPECT_TRUE(
        shake_hands(*made, {.server_name = "a.test", .max_version = version, .session = first.session.get()}, *client)
            .resumed);
  }
}

TEST(TlsContexts, WithoutTicketKeysNothingIsResumed) {
  const auto made = contexts({.certificates = {certificate({})}});
  const ContextPtr client = client_context();
  const Outcome first = shake_hands(*made, {}, *client);
  EXPECT_FALSE(shake_hands(*made, {.session = first.session.get()}, *client).resumed);
}

TEST(TlsContexts, OldTicketKeysLiveForTwoMorePeriods) {
  ManualClock clock;
  TicketKeys keys(clock);
  const TicketKeys::Key first = keys.current();
  EXPECT_TRUE(keys.find(first.name)->current);
  clock.advance(TicketKeys::kRotation);
  EXPECT_NE(keys.current().name, first.name);
  EXPECT_FALSE(keys.find(first.name)->current);
  EXPECT_EQ(keys.find(first.name)->key.cipher, first.cipher);
  clock.advance(TicketKeys::kRotation);
  EXPECT_TRUE(keys.find(first.name).has_value());
  clock.advance(TicketKeys::kRotation);
  EXPECT_FALSE(keys.find(first.name).has_value());
  const TicketKeys::Key late = keys.current();
  clock.advance(TicketKeys::kRotation * 10);
  EXPECT_FALSE(keys.find(late.name).has_value());
}

TEST(TlsContexts, AHostThatNeedsAnotherCertificateIsMisdirected) {
  const auto made = contexts(
      {.certificates = {certificate({.names = {"a.test", "also-a.test"}}), certificate({.names = {"b.test"}})}});
  EXPECT_TRUE(made->misdirected("a.test", "b.test"));
  EXPECT_TRUE(made->misdirected("unknown.test", "b.test"));
  EXPECT_FALSE(made->misdirected("a.test", "a.test"));
  EXPECT_FALSE(made->misdirected("a.test", "also-a.test"));
  EXPECT_FALSE(made->misdirected("a.test", "nobody.test"));
  EXPECT_FALSE(made->misdirected("", "b.test"));
}

TEST(TlsContexts, WithEarlyDataATicketIsGoodOnceAndForTheseContextsOnly) {
  const auto make = [] {
    return contexts({.certificates = {certificate({.names = {"a.test"}}), certificate({.names = {"b.test"}})},
                     .ticket_keys = std::make_shared<TicketKeys>(),
                     .early_data = true});
  };
  const auto made = make();
  for (const char* name : {"a.test", "b.test"}) {
    const Outcome first = shake_hands(*made, {.server_name = name});
    ASSERT_TRUE(first.done);
    EXPECT_EQ(SSL_SESSION_get_max_early_data(first.session.get()), TlsContexts::kMostEarlyData);
    const ClientHello again{.server_name = name, .session = first.session.get()};
    EXPECT_TRUE(shake_hands(*made, again).resumed) << name;
    EXPECT_FALSE(shake_hands(*made, again).resumed) << name;
    const Outcome other = shake_hands(*made, {.server_name = name});
    const Outcome after = shake_hands(*make(), {.server_name = name, .session = other.session.get()});
    EXPECT_TRUE(after.done);
    EXPECT_FALSE(after.resumed) << "a reload, or a restart";
  }
}

TEST(TlsContexts, WithEarlyDataTls12ResumesAsEver) {
  const auto made =
      contexts({.certificates = {certificate({})}, .ticket_keys = std::make_shared<TicketKeys>(), .early_data = true});
  const Outcome first = shake_hands(*made, {.max_version = TLS1_2_VERSION});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(shake_hands(*made, {.max_version = TLS1_2_VERSION, .session = first.session.get()}).resumed);
  }
}

TEST(TlsContexts, EarlyDataKeepsSoManySessionsAndNoMore) {
  const auto made =
      contexts({.certificates = {certificate({})}, .ticket_keys = std::make_shared<TicketKeys>(), .early_data = true});
  const SSL_CTX* const cache = SSL_get_SSL_CTX(made->new_ssl().get());
  EXPECT_EQ(SSL_CTX_sess_get_cache_size(const_cast<SSL_CTX*>(cache)), TlsContexts::kMostSessions);
  const auto without = contexts({.certificates = {certificate({})}, .ticket_keys = std::make_shared<TicketKeys>()});
  EXPECT_EQ(SSL_get_max_early_data(without->new_ssl().get()), 0U);
  shake_hands(*without);
  EXPECT_EQ(SSL_CTX_sess_number(SSL_get_SSL_CTX(without->new_ssl().get())), 0);
}

TEST(TlsContexts, QuicSpeaksOnlyTls13) {
  const auto made =
      contexts({.certificates = {certificate({})}, .ticket_keys = std::make_shared<TicketKeys>(), .early_data = true});
  const TlsStream::SslPtr ssl = made->new_quic_ssl();
  EXPECT_EQ(SSL_get_min_proto_version(ssl.get()), TLS1_3_VERSION);
  EXPECT_EQ(SSL_get_max_early_data(ssl.get()), 0U);
}

}  // namespace
}  // namespace gatehouse::testing_support
