#include "proxy/frontend/tls/client_verification.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/text.h"

namespace gatehouse::client_verification {

namespace {

// One extension of a CertificateRequest has 64 KiB, and clients do not read much more than this of a handshake.
constexpr std::size_t kMostNameBytes = 32 * 1024UL;
constexpr std::size_t kMostSubject = 256;

struct AlternativesDeleter {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// ---- what a ticket says: the time until which the chain is valid, then each issuer behind its size ----

constexpr std::size_t kTimeSize = 8;
constexpr std::size_t kSizeSize = 2;

void put(std::string& out, std::uint64_t value, std::size_t bytes) {
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xFFU);
}

std::uint64_t take(std::string_view& from, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : from.substr(0, bytes)) value = value << 8U | static_cast<unsigned char>(c);
  from.remove_prefix(std::min(bytes, from.size()));
  return value;
}

std::string der_of(const X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  std::string der;
  if (size > 0) der.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

// Without the certificate itself, and without the anchor. None if all of it is too much to be told of: issuers may be
// from our own file.
std::vector<std::string> issuers_of(STACK_OF(X509) * chain) {
  std::vector<std::string> issuers;
  std::size_t size = static_cast<std::size_t>(std::max(0, i2d_X509(sk_X509_value(chain, 0), nullptr)));
  for (int i = 1; i + 1 < sk_X509_num(chain); ++i) {
    issuers.push_back(der_of(sk_X509_value(chain, i)));
    size += issuers.back().size();
  }
  if (size > kMostBytes) issuers.clear();
  return issuers;
}

std::uint64_t valid_until(STACK_OF(X509) * chain) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &parts) != 1) return 0;
    first = std::min<std::int64_t>(first, timegm(&parts));
  }
  return first < 0 ? 0 : static_cast<std::uint64_t>(first);
}

std::optional<std::string_view> note_of(SSL_SESSION* session) {
  void* bytes = nullptr;
  std::size_t size = 0;
  if (session == nullptr || SSL_SESSION_get0_ticket_appdata(session, &bytes, &size) != 1 || size < kTimeSize) {
    return std::nullopt;
  }
  return std::string_view(static_cast<const char*>(bytes), size);
}

// A ticket of a resumed session is a copy, and has the note already.
int on_ticket_made(SSL* ssl, void* /*nothing*/) {
  STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
  SSL_SESSION* const session = SSL_get_session(ssl);
  if (SSL_session_reused(ssl) == 1 || chain == nullptr || SSL_SESSION_get0_peer(session) == nullptr) return 1;
  std::string note;
  put(note, valid_until(chain), kTimeSize);
  for (const std::string& issuer : issuers_of(chain)) {
    put(note, issuer.size(), kSizeSize);
    note += issuer;
  }
  return SSL_SESSION_set1_ticket_appdata(session, note.data(), note.size());
}

// Whether a session may be taken up without another look at the chain.
bool still_holds(const SSL* ssl, SSL_SESSION* session) {
  if (SSL_SESSION_get0_peer(session) == nullptr) {
    return (SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) == 0;
  }
  std::optional<std::string_view> note = note_of(session);
  return note && take(*note, kTimeSize) >= static_cast<std::uint64_t>(std::time(nullptr));
}

SSL_TICKET_RETURN on_ticket_read(SSL* ssl, SSL_SESSION* session, const unsigned char* /*name*/,
                                 std::size_t /*name_size*/, SSL_TICKET_STATUS status, void* /*nothing*/) {
  const bool whole = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!whole || !still_holds(ssl, session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

std::size_t size_of(const STACK_OF(X509_NAME) * names) {
  std::size_t size = 0;
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    size += kSizeSize + static_cast<std::size_t>(std::max(0, i2d_X509_NAME(sk_X509_NAME_value(names, i), nullptr)));
  }
  return size;
}

// "URI:spiffe://acme/shop"
std::string first_alternative(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, AlternativesDeleter> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const std::unique_ptr<BIO, BioDeleter> bio(BIO_new(BIO_s_mem()));
  if (sk_GENERAL_NAME_num(names.get()) < 1 || !bio) return {};
  GENERAL_NAME_print(bio.get(), sk_GENERAL_NAME_value(names.get(), 0));
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

// Of UTF-8 no character is cut in two.
std::string cut(std::string text) {
  if (text.size() <= kMostSubject) return text;
  std::size_t end = kMostSubject;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

}  // namespace

Result<> ask(SSL_CTX* context, ClientAuth auth, const TrustAnchors& anchors) {
  TrustAnchors::Names names = anchors.names();
  if (!names) return failure("out of memory");
  if (size_of(names.get()) > kMostNameBytes) {
    return failure("the names of the CAs in it do not fit into a handshake (32 KiB): a file with fewer is needed");
  }
  const int required = auth == ClientAuth::kRequire ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
  SSL_CTX_set_verify_depth(context, kMostIssuers);
  SSL_CTX_set_max_cert_list(context, static_cast<long>(kMostBytes));
  SSL_CTX_set_options(context, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);  // or it would be larger than what is counted
  if (SSL_CTX_set1_verify_cert_store(context, anchors.store()) != 1 ||
      SSL_CTX_set_session_ticket_cb(context, on_ticket_made, on_ticket_read, nullptr) != 1) {
    ERR_clear_error();
    return failure("OpenSSL refuses to verify by it");
  }
  SSL_CTX_set_client_CA_list(context, names.release());
  return {};
}

std::string policy(ClientAuth auth, const TrustAnchors* anchors) {
  if (auth == ClientAuth::kNone || anchors == nullptr) return {};
  const auto& digest = anchors->fingerprint();
  return (auth == ClientAuth::kRequire ? "require " : "optional ") +
         text::hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::vector<std::string> shown(const SSL* ssl) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  std::vector<std::string> all = {der_of(certificate)};
  if (STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl)) {
    std::ranges::move(issuers_of(chain), std::back_inserter(all));
    return all;
  }
  std::string_view note = note_of(SSL_get_session(ssl)).value_or(std::string_view());
  take(note, kTimeSize);
  while (note.size() > kSizeSize) {
    const std::size_t size = take(note, kSizeSize);
    all.emplace_back(note.substr(0, size));
    note.remove_prefix(std::min(size, note.size()));
  }
  return all;
}

std::string subject(const SSL* ssl) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return {};
  std::string text = text_of(X509_get_subject_name(certificate));
  if (text.empty()) text = first_alternative(certificate);
  ERR_clear_error();
  return cut(std::move(text));
}

std::string refusal(const SSL* ssl) {
  const long verdict = SSL_get_verify_result(ssl);
  return verdict == X509_V_OK ? std::string() : X509_verify_cert_error_string(verdict);
}

}  // namespace gatehouse::client_verification
