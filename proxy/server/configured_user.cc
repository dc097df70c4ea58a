#include "proxy/server/configured_user.h"

#include "proxy/system/privileges.h"

namespace gatehouse {

Result<> become_configured_user(const config::Config& config) {
  privileges::Options options{.user = config.server.user,
                              .configuration = config.file,
                              .control = config.server.control,
                              .logs = {config.log.output, config.log.access.output},
                              .certificates = {}};
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const config::CertificateFiles& files : listener.tls->certificates) {
      options.certificates.push_back(
          {.certificate = files.certificate, .private_key = files.private_key, .passphrase = files.passphrase_file});
    }
  }
  return privileges::drop(options);
}

}  // namespace gatehouse
