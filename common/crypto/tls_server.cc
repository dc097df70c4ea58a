#include "common/crypto/tls_server.h"

#include <arpa/inet.h>

#include <array>
#include <chrono>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace gatehouse {

namespace {

constexpr std::chrono::hours kTrustedFor{1};

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return ::inet_pton(AF_INET, name.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), ignored.data()) == 1;
}

// The dot that keeps resolvers from search domains is no part of a name here (RFC 6066 section 3).
std::string without_root(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

// Of the chain; X509_V_OK if it was verified, or was not looked at.
long verdict(const TlsStream& stream) {
  const SSL* ssl = stream.ssl();
  return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(ssl);
}

}  // namespace

TlsServer::TlsServer(std::shared_ptr<const TlsClient> client, const std::string& name)
    : client_(std::move(client)),
      name_(without_root(client_->options().server_name.empty() ? name : client_->options().server_name)) {}

TlsServer::~TlsServer() = default;

TlsStream::SslPtr TlsServer::new_ssl() {
  TlsStream::SslPtr ssl(SSL_new(client_->context()));
  if (!ssl || !set_name(ssl.get())) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), this);
  if (const SessionPtr resumed = session()) SSL_set_session(ssl.get(), resumed.get());
  return ssl;
}

// A copy of its own: OpenSSL marks a session as useless when its connection ends otherwise than it should.
TlsServer::SessionPtr TlsServer::session() {
  const std::scoped_lock lock(mutex_);
  if (session_ && Clock::system().monotonic() - verified_ > kTrustedFor) session_.reset();
  return SessionPtr(session_ ? SSL_SESSION_dup(session_.get()) : nullptr);
}

bool TlsServer::set_name(SSL* ssl) const {
  const bool address = is_address(name_);
  if (!address && SSL_set_tlsext_host_name(ssl, name_.c_str()) != 1) return false;
  if (client_->options().insecure || !client_->options().san.empty()) return true;
  // The subject says nothing of names, and a wildcard stands for a whole label (RFC 9525 section 6.3).
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name_.c_str()) == 1;
  return SSL_set1_host(ssl, name_.c_str()) == 1;
}

// Called by OpenSSL when a session can be resumed from now on: with TLS 1.3 for each ticket. 0: it keeps its reference.
int TlsServer::on_session(SSL* ssl, SSL_SESSION* session) {
  auto& server = *static_cast<TlsServer*>(SSL_get_app_data(ssl));
  SessionPtr copy(SSL_SESSION_dup(session));
  const std::scoped_lock lock(server.mutex_);
  if (SSL_session_reused(ssl) == 0) server.verified_ = Clock::system().monotonic();
  server.session_ = std::move(copy);
  return 0;
}

TlsFailure TlsServer::note_failure(const TlsStream& stream) {
  {
    const std::scoped_lock lock(mutex_);
    session_.reset();
  }
  switch (verdict(stream)) {
    case X509_V_OK:
      return stream.alert() != 0 ? TlsFailure::kAlert : TlsFailure::kProtocol;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsFailure::kExpired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TlsFailure::kWrongName;
    default:
      return TlsFailure::kUntrusted;
  }
}

std::string TlsServer::reason(const TlsStream& stream) {
  const long verified = verdict(stream);
  return verified == X509_V_OK ? stream.failure_reason() : X509_verify_cert_error_string(verified);
}

bool TlsServer::refused_us(const TlsStream& stream) {
  switch (stream.alert()) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace gatehouse
