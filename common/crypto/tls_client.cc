#include "common/crypto/tls_client.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate_store.h"
#include "common/crypto/tls_server.h"
#include "common/crypto/x509_handles.h"

namespace gatehouse {

namespace {

constexpr std::array<unsigned char, 9> kAlpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::string_view as_text(const std::array<std::uint8_t, 32>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// One file with all of them, as distributions have it: a folder would be read while connections are made.
Result<std::string> system_authorities() {
  std::vector<std::string> files = {
      "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch
      "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL
      "/etc/ssl/ca-bundle.pem",                             // SUSE
      "/etc/ssl/cert.pem",                                  // Alpine
  };
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen != nullptr && *chosen != '\0') files = {chosen};
  std::error_code ignored;
  const auto found = std::ranges::find_if(
      files, [&ignored](const std::string& file) { return std::filesystem::exists(file, ignored); });
  if (found == files.end()) {
    return failure(files.size() == 1 ? "SSL_CERT_FILE names no file: " + files.front()
                                     : "this machine has no list of trusted CAs (such as " + files.front() + ")");
  }
  return *found;
}

bool has_name(const X509* certificate, std::string_view wanted) {
  const GeneralNames names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI && name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = name->type == GEN_URI ? name->d.uniformResourceIdentifier : name->d.dNSName;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
    if (std::string_view(bytes, static_cast<std::size_t>(ASN1_STRING_length(text))) == wanted) return true;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<const TlsClient>> TlsClient::make(Options options, CertificateStore& files) {
  auto made = std::make_shared<TlsClient>(Private{}, std::move(options));
  if (auto ready = made->set_up(files); !ready) return std::unexpected(std::move(ready.error()));
  return made;
}

Result<> TlsClient::set_up(CertificateStore& files) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(context, kAlpn.data(), static_cast<unsigned>(kAlpn.size())) != 0) {
    return failure("cannot make a TLS context: " + openssl_reason());
  }
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, TlsServer::on_session);
  SSL_CTX_set_verify(context, options_.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  for (const std::string& option : {options_.server_name, options_.san}) add_to_fingerprint(option);
  add_to_fingerprint(options_.insecure ? "insecure" : "");
  if (!options_.insecure) {
    auto file = options_.ca.empty() ? system_authorities() : Result<std::string>(options_.ca);
    if (!file) return std::unexpected(std::move(file.error()));
    const auto anchors = files.anchors(*file);
    if (!anchors) return std::unexpected(anchors.error());
    add_to_fingerprint(as_text((*anchors)->fingerprint()));
    SSL_CTX_set1_cert_store(context, (*anchors)->store());
    SSL_CTX_set_cert_verify_callback(context, verify, this);
  }
  return options_.certificate.empty() ? Result<>() : show_certificate(files);
}

Result<> TlsClient::show_certificate(CertificateStore& files) {
  const auto certificate =
      files.certificate({.certificate = options_.certificate, .private_key = options_.private_key});
  if (!certificate) return std::unexpected(certificate.error());
  add_to_fingerprint(as_text((*certificate)->fingerprint()));
  if ((*certificate)->install(context_.get())) return {};
  return failure(options_.certificate + ": OpenSSL refuses the certificate or its key");
}

// A chain: each time over what there is already.
void TlsClient::add_to_fingerprint(std::string_view text) {
  std::string all(fingerprint_.begin(), fingerprint_.end());
  all += text;
  EVP_Digest(all.data(), all.size(), fingerprint_.data(), nullptr, EVP_sha256(), nullptr);
}

int TlsClient::verify(X509_STORE_CTX* chain, void* self) {
  const Options& options = static_cast<const TlsClient*>(self)->options_;
  const int trusted = X509_verify_cert(chain);
  if (trusted != 1 || options.san.empty() || has_name(X509_STORE_CTX_get0_cert(chain), options.san)) return trusted;
  X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

}  // namespace gatehouse
