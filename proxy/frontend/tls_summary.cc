#include "proxy/frontend/tls_summary.h"

#include <string>
#include <utility>
#include <vector>

#include "common/crypto/server_end_point.h"
#include "common/text.h"
#include "proxy/frontend/tls/client_verification.h"
#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse {

namespace {

// RFC 8941 section 3.3.5
std::string byte_sequence(const std::string& bytes) {
  return ":" + text::base64(bytes) + ":";
}

std::shared_ptr<const ClientCertificate> certificate_of(const SSL* ssl) {
  const std::vector<std::string> shown = client_verification::shown(ssl);
  if (shown.empty()) return nullptr;
  ClientCertificate made{
      .field = byte_sequence(shown.front()), .chain_field = {}, .subject = client_verification::subject(ssl)};
  for (std::size_t i = 1; i < shown.size(); ++i) text::add_to_list(made.chain_field, byte_sequence(shown[i]));
  return std::make_shared<const ClientCertificate>(std::move(made));
}

}  // namespace

std::shared_ptr<const TlsSummary> tls_summary(const SSL* ssl) {
  return std::make_shared<const TlsSummary>(TlsSummary{.version = SSL_get_version(ssl),
                                                       .cipher = SSL_get_cipher_name(ssl),
                                                       .server_name = server_name_of(ssl),
                                                       .resumed = SSL_session_reused(ssl) == 1,
                                                       .certificate = certificate_of(ssl),
                                                       .server_end_point = server_end_point::of(ssl)});
}

}  // namespace gatehouse
