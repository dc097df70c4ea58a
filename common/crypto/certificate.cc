#include "common/crypto/certificate.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <format>
#include <utility>

#include <openssl/sslerr.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate_chain.h"
#include "common/crypto/private_key.h"
#include "common/crypto/x509_handles.h"
#include "common/text.h"

namespace gatehouse {

namespace {

constexpr int kReplace = 1;

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct ConnectionDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? std::chrono::system_clock::from_time_t(timegm(&parts)) : WallTime{};
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// A server that nobody connects to: what it refuses, no connection would get. A context takes long to make, so that
// each thread has one.
SSL* trial() {
  thread_local const std::unique_ptr<SSL_CTX, ContextDeleter> kContext(SSL_CTX_new(TLS_server_method()));
  thread_local const std::unique_ptr<SSL, ConnectionDeleter> kConnection(kContext ? SSL_new(kContext.get()) : nullptr);
  return kConnection.get();
}

std::string refusal(EVP_PKEY* key) {
  constexpr const char* kInstead =
      "have it issued anew for a larger key: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "
      "key.pem`, or RSA with 2048 bits at least";
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  const std::string text = openssl_reason();
  switch (reason) {
    case SSL_R_PRIVATE_KEY_MISMATCH:
      return "the private key does not belong to the certificate";
    case SSL_R_EE_KEY_TOO_SMALL:
      return std::format("its key of {} bits is too small for clients of today; {}", EVP_PKEY_get_bits(key), kInstead);
    case SSL_R_CA_KEY_TOO_SMALL:
      return "the key of an issuer in its chain is too small for clients of today; have it issued by another CA";
    case SSL_R_CA_MD_TOO_WEAK:
      return "a signature in its chain is too weak for clients of today (MD5, SHA-1); have it issued anew";
    default:
      return "OpenSSL refuses the certificate or its key: " + text;
  }
}

// What the cipher suites of TLS 1.2 say besides the signature algorithms; those of TLS 1.3 say nothing of it.
bool has_ciphers_for(SSL* ssl, int key_type) {
  if (SSL_version(ssl) >= TLS1_3_VERSION) return true;
  const int wanted = key_type == EVP_PKEY_RSA || key_type == EVP_PKEY_RSA_PSS ? NID_auth_rsa : NID_auth_ecdsa;
  const STACK_OF(SSL_CIPHER)* const offered = SSL_get_client_ciphers(ssl);
  for (int i = 0; i < sk_SSL_CIPHER_num(offered); ++i) {
    if (SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(offered, i)) == wanted) return true;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<const Certificate>> Certificate::make(Parts parts, const std::string& name) {
  std::shared_ptr<Certificate> made = std::make_shared<Certificate>(Private{});
  made->file_ = name;
  made->leaf_ = std::move(parts.leaf);
  made->issuers_ = std::move(parts.issuers);
  made->key_ = std::move(parts.key);
  made->chain_.reset(sk_X509_new_null());
  for (const auto& issuer : made->issuers_) {
    X509_up_ref(issuer.get());
    sk_X509_push(made->chain_.get(), issuer.get());
  }
  SSL* const ssl = trial();
  const bool good = ssl != nullptr &&
                    SSL_use_cert_and_key(ssl, made->leaf_.get(), made->key_.get(), made->chain_.get(), kReplace) == 1;
  if (!good) return failure(name + ": " + refusal(made->key_.get()));
  SSL_certs_clear(ssl);
  ERR_clear_error();
  made->key_type_ = EVP_PKEY_get_base_id(made->key_.get());
  made->read_names();
  made->take_fingerprint();
  made->not_before_ = time_of(X509_get0_notBefore(made->leaf_.get()));
  made->not_after_ = time_of(X509_get0_notAfter(made->leaf_.get()));
  return made;
}

Result<std::shared_ptr<const Certificate>> Certificate::parse(std::string_view chain, std::string_view key,
                                                              const std::string& name) {
  IssuerPool pool;
  auto certificates = CertificateChain::read(chain, pool, name);
  if (!certificates) return std::unexpected(std::move(certificates.error()));
  auto private_key = private_key::read(key, nullptr, name);
  if (!private_key) return std::unexpected(std::move(private_key.error()));
  return make({.leaf = std::move(certificates->leaf),
               .issuers = std::move(certificates->issuers),
               .key = *std::move(private_key)},
              name);
}

void Certificate::read_names() {
  const GeneralNames alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf_.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names_.push_back(text::lower(text_of(name->d.dNSName)));
  }
  if (!alternatives) {
    const X509_NAME* subject = X509_get_subject_name(leaf_.get());
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) names_.push_back(text::lower(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
  }
  // A name with a NUL or a space inside was never asked for by an honest client.
  std::erase_if(names_, [](const std::string& name) {
    return name.empty() || std::ranges::any_of(name, [](char c) { return c <= ' ' || c > '~'; });
  });
}

void Certificate::take_fingerprint() {
  std::string digests;
  const auto add = [&digests](const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    X509_digest(certificate, EVP_sha256(), digest.data(), &size);
    digests.append(reinterpret_cast<const char*>(digest.data()), size);
  };
  add(leaf_.get());
  for (const auto& issuer : issuers_) add(issuer.get());
  EVP_Digest(digests.data(), digests.size(), fingerprint_.data(), nullptr, EVP_sha256(), nullptr);
}

bool Certificate::covers(std::string_view host) const {
  const std::size_t dot = host.find('.');
  const std::string_view parent = dot == std::string_view::npos ? std::string_view() : host.substr(dot);
  return std::ranges::any_of(names_, [&](const std::string& name) {
    if (name == host) return true;
    return !parent.empty() && dot > 0 && name.starts_with("*.") && std::string_view(name).substr(1) == parent;
  });
}

WallTime Certificate::renewal_due() const {
  constexpr WallTime::duration kMost = std::chrono::days(14);
  return not_after_ - std::min(kMost, (not_after_ - not_before_) / 3);
}

bool Certificate::chain_complete() const {
  X509* issued = leaf_.get();
  // By name alone: one that signs itself need not be allowed to sign others.
  if (issuers_.empty()) return X509_NAME_cmp(X509_get_subject_name(issued), X509_get_issuer_name(issued)) == 0;
  for (const auto& issuer : issuers_) {
    if (X509_check_issued(issuer.get(), issued) != X509_V_OK) return false;
    issued = issuer.get();
  }
  return true;
}

bool Certificate::same_leaf(const Certificate& other) const {
  return X509_cmp(leaf_.get(), other.leaf_.get()) == 0;
}

bool Certificate::install(SSL_CTX* context) const {
  const bool done = SSL_CTX_use_cert_and_key(context, leaf_.get(), key_.get(), chain_.get(), kReplace) == 1;
  ERR_clear_error();
  return done;
}

bool Certificate::install(SSL* ssl) const {
  const bool done = SSL_use_cert_and_key(ssl, leaf_.get(), key_.get(), chain_.get(), kReplace) == 1;
  ERR_clear_error();
  return done;
}

bool Certificate::suits(SSL* ssl) const {
  constexpr int kNeeded = CERT_PKEY_VALID | CERT_PKEY_SIGN;
  const int found = SSL_check_chain(ssl, leaf_.get(), key_.get(), chain_.get());
  ERR_clear_error();
  return (found & kNeeded) == kNeeded && has_ciphers_for(ssl, key_type_);
}

}  // namespace gatehouse
