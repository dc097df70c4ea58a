// Handshakes with clients that show a certificate, on memory; what is told of it, and what tickets are good for.
#include "proxy/frontend/tls/client_verification.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "common/crypto/certificate.h"
#include "common/text.h"
#include "proxy/frontend/accept/tls_accept.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "proxy/frontend/tls_summary.h"
#include "tests/support/test_certificate.h"
#include "tests/support/tls_testing.h"

namespace gatehouse::testing_support {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::shared_ptr<const TrustAnchors> anchors(const std::string& pem) {
  return *TrustAnchors::parse(pem, "ca.pem");
}

struct Outcome {
  bool done = false;
  std::string error;    // of the server
  std::string refusal;  // of the certificate
  std::shared_ptr<const TlsSummary> tls;
  std::shared_ptr<SSL_SESSION> session;  // for the next one
};

// What a client shows: its certificate with the chain behind it, and the key. Empty: nothing.
using Shown = PemPair;

void show(SSL* client, const Shown& shown) {
  if (shown.certificate.empty()) return;
  const auto loaded = Certificate::parse(shown.certificate, shown.private_key, "client");
  ASSERT_TRUE(loaded.has_value());
  const ContextPtr context = client_context();
  ASSERT_TRUE((*loaded)->install(context.get()));
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context.get(), &chain);
  ASSERT_EQ(SSL_use_cert_and_key(client, SSL_CTX_get0_certificate(context.get()),
                                 SSL_CTX_get0_privatekey(context.get()), chain, 1),
            1);
}

class ClientVerificationTest : public ::testing::TestWithParam<int> {
 protected:
  std::shared_ptr<const TlsContexts> contexts(ClientAuth auth, std::shared_ptr<const TrustAnchors> trusted) {
    TlsOptions options;
    options.certificates = {server};
    options.client_auth = auth;
    options.client_ca = std::move(trusted);
    options.ticket_keys = keys;
    return TlsContexts::make(std::move(options)).value();
  }
  std::shared_ptr<const TlsContexts> contexts(ClientAuth auth) { return contexts(auth, anchors(root.certificate)); }

  Outcome shake_hands(const TlsContexts& contexts, const Shown& shown, const Outcome* former = nullptr) {
    ERR_clear_error();
    const TlsStream::SslPtr client = client_ssl(*client_side);
    SSL_set_max_proto_version(client.get(), GetParam());
    show(client.get(), shown);
    if (former != nullptr) SSL_set_session(client.get(), former->session.get());
    const TlsStream::SslPtr server_end = contexts.new_ssl();
    BIO* one = nullptr;
    BIO* other = nullptr;
    BIO_new_bio_pair(&one, 64 * 1024UL, &other, 64 * 1024UL);
    SSL_set_bio(client.get(), one, one);
    SSL_set_bio(server_end.get(), other, other);
    Outcome outcome;
    for (int i = 0; i < 10 && !outcome.done && outcome.error.empty(); ++i) {
      const bool client_done = SSL_do_handshake(client.get()) == 1;
      ERR_clear_error();
      outcome.done = SSL_do_handshake(server_end.get()) == 1 && client_done;
      if (const char* reason = ERR_reason_error_string(ERR_peek_error())) outcome.error = reason;
    }
    outcome.refusal = client_verification::refusal(server_end.get());
    if (!outcome.done) return outcome;
    char byte = 0;
    SSL_read(client.get(), &byte, 1);  // takes the ticket of TLS 1.3
    ERR_clear_error();
    outcome.tls = tls_summary(server_end.get());
    outcome.session = {SSL_get1_session(client.get()), SSL_SESSION_free};
    SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // or its session is not used again
    return outcome;
  }
  // Signed by `issuer`, with it behind the certificate.
  static Shown client_of(const PemPair& issuer, TestCertificate wanted = {.names = {"alice"}, .usage = "clientAuth"}) {
    wanted.issuer = &issuer;
    PemPair made = make_certificate(wanted);
    made.certificate += issuer.certificate;
    return made;
  }
  static std::string der(const std::string& pem) {
    const std::size_t begin = pem.find('\n');
    std::string text = pem.substr(begin, pem.find("-----END") - begin);
    std::erase(text, '\n');
    return ":" + text + ":";
  }

  const PemPair root = make_certificate({.names = {"Root"}, .authority = true});
  const PemPair office = make_certificate({.names = {"Office"}, .issuer = &root, .authority = true});
  const std::shared_ptr<const Certificate> server = [] {
    const PemPair pem = make_certificate();
    return *Certificate::parse(pem.certificate, pem.private_key, "server");
  }();
  const std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>();
  const ContextPtr client_side = client_context();
};

TEST_P(ClientVerificationTest, OneThatIsTrustedIsLetInAndToldOf) {
  for (const ClientAuth auth : {ClientAuth::kOptional, ClientAuth::kRequire}) {
    const Shown alice = client_of(office);
    const Outcome outcome = shake_hands(*contexts(auth), alice);
    ASSERT_TRUE(outcome.done) << outcome.error;
    ASSERT_TRUE(outcome.tls->certificate);
    EXPECT_EQ(outcome.tls->certificate->field, der(alice.certificate));
    EXPECT_EQ(":" + std::string(outcome.tls->certificate->base64()) + ":", outcome.tls->certificate->field);
    EXPECT_EQ(outcome.tls->certificate->chain_field, der(office.certificate)) << "without the anchor";
    EXPECT_EQ(outcome.tls->certificate->subject, "CN=alice");
  }
}

TEST_P(ClientVerificationTest, WithoutOneItDependsOnThePolicy) {
  const Outcome served = shake_hands(*contexts(ClientAuth::kOptional), {});
  EXPECT_TRUE(served.done);
  EXPECT_FALSE(served.tls->certificate);
  const Outcome refused = shake_hands(*contexts(ClientAuth::kRequire), {});
  EXPECT_FALSE(refused.done);
  EXPECT_EQ(handshake_failure(refused.error), HandshakeFailure::kNoCertificate);
  // Whoever is not asked shows nothing.
  const Outcome unasked = shake_hands(*contexts(ClientAuth::kNone, nullptr), client_of(root));
  EXPECT_TRUE(unasked.done);
  EXPECT_FALSE(unasked.tls->certificate);
}

TEST_P(ClientVerificationTest, ABadOneIsRefusedByEitherPolicyAndWeKnowWhy) {
  const PemPair stranger = make_certificate({.names = {"Stranger"}, .authority = true});
  std::vector<PemPair> levels = {root};
  std::string chain;
  for (int i = 0; i < client_verification::kMostIssuers + 1; ++i) {
    levels.push_back(
        make_certificate({.names = {"Level " + std::to_string(i)}, .issuer = &levels.back(), .authority = true}));
    chain = levels.back().certificate + chain;
  }
  Shown deep = make_certificate({.names = {"alice"}, .issuer = &levels.back()});
  deep.certificate += chain;
  const std::pair<Shown, std::string> rows[] = {
      {client_of(stranger), "self-signed certificate in certificate chain"},
      {make_certificate({.names = {"alice"}, .issuer = &stranger}), "unable to get local issuer certificate"},
      {client_of(root, {.names = {"alice"}, .valid_for = std::chrono::hours(-1)}), "certificate has expired"},
      {client_of(root, {.names = {"alice"}, .usage = "serverAuth"}), "unsuitable certificate purpose"},
      {make_certificate({.names = {"alice"}}), "self-signed certificate"},
      {deep, "certificate chain too long"},
  };
  for (const ClientAuth auth : {ClientAuth::kOptional, ClientAuth::kRequire}) {
    const auto made = contexts(auth);
    for (const auto& [shown, reason] : rows) {
      const Outcome outcome = shake_hands(*made, shown);
      EXPECT_FALSE(outcome.done) << reason;
      EXPECT_EQ(handshake_failure(outcome.error), HandshakeFailure::kBadCertificate) << outcome.error;
      EXPECT_THAT(outcome.refusal, HasSubstr(reason));
    }
  }
}

TEST_P(ClientVerificationTest, AnIntermediateOrTheCertificateItselfMayBeWhatIsTrusted) {
  const Shown alice = client_of(office);
  const Outcome by_office = shake_hands(*contexts(ClientAuth::kRequire, anchors(office.certificate)), alice);
  ASSERT_TRUE(by_office.done) << by_office.error;
  EXPECT_EQ(by_office.tls->certificate->chain_field, "");
  const PemPair pinned = make_certificate({.names = {"pinned"}});
  EXPECT_TRUE(shake_hands(*contexts(ClientAuth::kRequire, anchors(pinned.certificate)), pinned).done);
}

TEST_P(ClientVerificationTest, AResumedSessionHasWhatWasShown) {
  const auto made = contexts(ClientAuth::kRequire);
  const Shown alice = client_of(office);
  Outcome last = shake_hands(*made, alice);
  ASSERT_TRUE(last.done) << last.error;
  for (int i = 0; i < 3; ++i) {
    Outcome next = shake_hands(*made, {}, &last);
    ASSERT_TRUE(next.done) << next.error;
    EXPECT_TRUE(next.tls->resumed);
    ASSERT_TRUE(next.tls->certificate);
    EXPECT_EQ(next.tls->certificate->field, der(alice.certificate));
    EXPECT_EQ(next.tls->certificate->chain_field, der(office.certificate));
    EXPECT_EQ(next.tls->certificate->subject, "CN=alice");
    last = std::move(next);
  }
}

TEST_P(ClientVerificationTest, ATicketIsGoodOnlyForThePolicyItWasIssuedUnder) {
  const PemPair other = make_certificate({.names = {"Root"}, .authority = true});
  const Shown alice = client_of(root);
  const auto required = contexts(ClientAuth::kRequire);
  const Outcome first = shake_hands(*required, alice);
  ASSERT_TRUE(first.done);
  EXPECT_TRUE(shake_hands(*contexts(ClientAuth::kRequire), {}, &first).tls->resumed) << "the same after a reload";
  for (const auto& elsewhere : {contexts(ClientAuth::kNone, nullptr), contexts(ClientAuth::kOptional)}) {
    const Outcome outcome = shake_hands(*elsewhere, {}, &first);
    ASSERT_TRUE(outcome.done);
    EXPECT_FALSE(outcome.tls->resumed);
    EXPECT_FALSE(outcome.tls->certificate);
    const Outcome back = shake_hands(*required, {}, &outcome);
    EXPECT_FALSE(back.done) << "a session without a certificate is none here";
  }
  EXPECT_FALSE(shake_hands(*contexts(ClientAuth::kRequire, anchors(other.certificate)), {}, &first).done);
  EXPECT_FALSE(
      shake_hands(*contexts(ClientAuth::kRequire, anchors(root.certificate + other.certificate)), {}, &first).done);
}

TEST_P(ClientVerificationTest, WithoutASubjectTheFirstOtherNameIsLogged) {
  const auto made = contexts(ClientAuth::kRequire);
  const Shown nameless = client_of(root, {.names = {"alice.test", "other.test"}, .subject = false});
  EXPECT_EQ(shake_hands(*made, nameless).tls->certificate->subject, "DNS:alice.test");
  const Shown long_name = client_of(root, {.names = {std::string(60, 'a') + "\xc3\xa4"}, .subject = true});
  EXPECT_EQ(shake_hands(*made, long_name).tls->certificate->subject, "CN=" + std::string(60, 'a') + "\xc3\xa4");
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientVerificationTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? std::string("Tls12") : std::string("Tls13");
                         });

TEST(ClientPolicy, ContextsWithoutACaAreRefused) {
  const PemPair pem = make_certificate();
  TlsOptions options;
  options.certificates = {*Certificate::parse(pem.certificate, pem.private_key, "server")};
  for (const ClientAuth auth : {ClientAuth::kOptional, ClientAuth::kRequire}) {
    options.client_auth = auth;
    EXPECT_FALSE(TlsContexts::make(options).has_value());
  }
}

TEST(ClientPolicy, NamesThatFillMoreThanAHandshakeAreRefused) {
  std::string many;
  for (int i = 0; i < 600; ++i) {
    const std::string name = "CA number " + std::to_string(i) + std::string(50, '.');
    many += make_certificate({.names = {name}, .authority = true}).certificate;
  }
  const PemPair pem = make_certificate();
  TlsOptions options{.certificates = {*Certificate::parse(pem.certificate, pem.private_key, "server")},
                     .client_auth = ClientAuth::kRequire,
                     .client_ca = anchors(many)};
  const auto refused = TlsContexts::make(options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("do not fit into a handshake"));
}

TEST(ClientPolicy, ConnectionsOfBeforeGoOnWhereAllOfThemWouldBeLetInNow) {
  const PemPair pem = make_certificate();
  const std::string one = make_certificate({.names = {"one"}, .authority = true}).certificate;
  const std::string two = make_certificate({.names = {"two"}, .authority = true}).certificate;
  const auto made = [&](ClientAuth auth, const std::string& trusted) {
    return *TlsContexts::make({.certificates = {*Certificate::parse(pem.certificate, pem.private_key, "server")},
                               .client_auth = auth,
                               .client_ca = auth == ClientAuth::kNone ? nullptr : anchors(trusted)});
  };
  struct Row {
    ClientAuth before;
    std::string trusted_before;
    ClientAuth after;
    std::string trusted_after;
    bool goes_on;
  };
  using enum ClientAuth;
  const Row rows[] = {
      {kNone, "", kNone, "", true},
      {kRequire, one, kNone, "", true},
      {kNone, "", kOptional, one, true},
      {kNone, "", kRequire, one, false},
      {kOptional, one, kRequire, one, false},
      {kRequire, one, kOptional, one, true},
      {kRequire, one, kOptional, two, false},
      {kOptional, one, kOptional, two, false},
      {kRequire, one, kRequire, one, true},
      {kRequire, one, kRequire, two + one, true},
      {kRequire, two + one, kRequire, one, false},
      {kRequire, one + two, kRequire, two + one, true},
  };
  for (const Row& row : rows) {
    const auto before = made(row.before, row.trusted_before);
    const auto after = made(row.after, row.trusted_after);
    EXPECT_EQ(after->lets_in_all_of(before.get()), row.goes_on) << &row - rows;
    const TlsSummary tls{.version = "TLSv1.3", .server_name = "localhost"};
    const auto misdirected = misdirection(before.get(), &tls, after.get());
    EXPECT_EQ(misdirected("localhost"), !row.goes_on) << &row - rows;
    EXPECT_FALSE(misdirection(after.get(), &tls, after.get())("localhost"));
  }
  const auto required = made(kRequire, one);
  EXPECT_TRUE(misdirection(nullptr, nullptr, required.get())("localhost")) << "of before the listener had TLS";
  EXPECT_FALSE(misdirection(nullptr, nullptr, made(kOptional, one).get()));
  EXPECT_FALSE(misdirection(nullptr, nullptr, nullptr));
}

TEST(ClientPolicy, TextsDifferWhereOneLetsInWhomTheOtherDoesNot) {
  using client_verification::policy;
  const auto one = anchors(make_certificate({.names = {"one"}}).certificate);
  const auto two = anchors(make_certificate({.names = {"two"}}).certificate);
  EXPECT_EQ(policy(ClientAuth::kNone, nullptr), "");
  EXPECT_EQ(policy(ClientAuth::kNone, one.get()), "");
  EXPECT_EQ(policy(ClientAuth::kRequire, one.get()), policy(ClientAuth::kRequire, one.get()));
  EXPECT_NE(policy(ClientAuth::kRequire, one.get()), policy(ClientAuth::kRequire, two.get()));
  EXPECT_NE(policy(ClientAuth::kRequire, one.get()), policy(ClientAuth::kOptional, one.get()));
}

}  // namespace
}  // namespace gatehouse::testing_support
