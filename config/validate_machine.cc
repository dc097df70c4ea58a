#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <format>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/crypto/certificate_store.h"
#include "common/crypto/key_file.h"
#include "config/certificate_cover.h"
#include "config/quoting.h"
#include "config/upstream_tls.h"
#include "config/users.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

constexpr std::uint64_t kDescriptorsPerConnection = 2;  // the client's and the endpoint's
constexpr std::size_t kTicketKeySize = 80;
constexpr std::size_t kTicketKeyNameSize = 16;
constexpr std::size_t kSecretSize = 32;
constexpr std::uint64_t kDescriptorReserve = 256;  // listeners, loops, logs, scrapes

void check_expiry(const Certificate& certificate, const CertificateFiles& files, std::vector<Diagnostic>& out) {
  const auto now = std::chrono::system_clock::now();
  if (certificate.renewal_due() > now) return;
  warning(out, files.location,
          std::format("the certificate in {} {} on {:%Y-%m-%d}", in_quotes(files.certificate),
                      certificate.not_after() < now ? "expired" : "expires",
                      std::chrono::floor<std::chrono::days>(certificate.not_after())));
}

void check_permissions(const std::string& what, const KeyFile& file, std::vector<Diagnostic>& out) {
  struct stat status{};
  if (::stat(file.path.c_str(), &status) != 0) return;  // the loading said so
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    warning(out, file.location,
            std::format("every user of this machine can read or write the {} {}; use chmod 600", what,
                        in_quotes(file.path)));
  }
}

std::optional<key_file::Key> check_key_file(const std::string& what, const KeyFile& file, std::size_t size,
                                            std::vector<Diagnostic>& out) {
  auto key = key_file::load(file.path, size);
  if (!key) {
    out.push_back({.location = file.location, .message = key.error().message});
    return std::nullopt;
  }
  check_permissions(what, file, out);
  return *std::move(key);
}

// A key's name, its first bytes, says which one a ticket was made with.
void check_ticket_keys(const std::vector<KeyFile>& files, std::vector<Diagnostic>& out) {
  std::map<std::string, std::string> by_name;
  for (const KeyFile& file : files) {
    const auto key = check_key_file("ticket key", file, kTicketKeySize, out);
    if (!key) continue;
    const auto name = key->bytes().first(kTicketKeyNameSize);
    const auto [known, is_new] = by_name.emplace(std::string(name.begin(), name.end()), file.path);
    if (is_new) continue;
    out.push_back({.location = file.location,
                   .message = std::format("{} is the same key as {}, or has its name (the first {} bytes)",
                                          in_quotes(file.path), in_quotes(known->second), kTicketKeyNameSize)});
  }
}

void check_key_files(const Config& config, std::vector<Diagnostic>& out) {
  if (!config.server.secret_file.path.empty()) {
    check_key_file("secret", config.server.secret_file, kSecretSize, out);
  }
  for (const Listener& listener : config.listeners) {
    if (listener.tls) check_ticket_keys(listener.tls->ticket_key_files, out);
  }
}

void check_certificates(const Config& config, std::vector<Diagnostic>& out, CertificateStore& store) {
  for (const Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const CertificateFiles& files : listener.tls->certificates) {
      if (!files.complete()) continue;
      const auto certificate = store.certificate(files_of(files));
      if (!certificate) {
        out.push_back({.location = files.location, .message = certificate.error().message});
        continue;
      }
      check_expiry(**certificate, files, out);
      const std::string& key = files.private_key.empty() ? files.certificate : files.private_key;
      check_permissions("private key", {.path = key, .location = files.location}, out);
      if (files.passphrase_file.empty()) continue;
      check_permissions("passphrase", {.path = files.passphrase_file, .location = files.location}, out);
    }
  }
}

void check_client_authorities(const Config& config, std::vector<Diagnostic>& out, CertificateStore& store) {
  for (const Listener& listener : config.listeners) {
    if (!listener.tls || listener.tls->client_auth == ClientAuth::kNone || listener.tls->client_ca.empty()) continue;
    const auto anchors = store.anchors(listener.tls->client_ca);
    if (!anchors) {
      out.push_back({.location = listener.location, .message = anchors.error().message});
      continue;
    }
    for (const std::string& subject : (*anchors)->invalid_at(std::chrono::system_clock::now())) {
      warning(out, listener.location,
              std::format("the CA {} in {} has expired, or is not valid yet: its clients are refused",
                          in_quotes(subject), in_quotes(listener.tls->client_ca)));
    }
  }
}

void check_upstream_tls(const Config& config, std::vector<Diagnostic>& out, CertificateStore& store) {
  for (const Upstream& upstream : config.upstreams) {
    if (!has_tls(upstream) || upstream.tls.certificate.empty() != upstream.tls.private_key.empty()) continue;
    const Location& where = tls_location(upstream);
    if (const auto client = TlsClient::make(tls_options(upstream.tls), store); !client) {
      out.push_back({.location = where, .message = client.error().message});
    } else if (!upstream.tls.private_key.empty()) {
      check_permissions("private key", {.path = upstream.tls.private_key, .location = where}, out);
    }
  }
}

// The soft limit is raised to the hard one at start, so that the hard one counts.
void check_descriptors(const Config& config, std::vector<Diagnostic>& out) {
  rlimit limit{};
  if (config.limits.max_connections == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
    return;
  const std::uint64_t allowed = limit.rlim_max;
  const std::uint64_t usable = allowed > kDescriptorReserve ? allowed - kDescriptorReserve : 0;
  const std::uint64_t most = usable / kDescriptorsPerConnection;
  if (config.limits.max_connections <= most) return;
  warning(out, config.limits.max_connections_location,
          std::format(
              "\"max_connections\" is {}, but with the {} file descriptors allowed (ulimit -n) about {} can be served",
              config.limits.max_connections, allowed, most));
}

// After the drop we are that user, and reload.
void check_user(const Server& server, std::vector<Diagnostic>& out) {
  if (server.user.empty()) return;
  const auto uid = uid_of(server.user);
  if (!uid) {
    out.push_back({.location = server.user_location, .message = uid.error().message});
  } else if (::geteuid() != 0 && *uid != ::geteuid()) {
    out.push_back(
        {.location = server.user_location,
         .message = std::format("only root can become the user {}; start gatehouse as root, or as {} and leave "
                                "\"user\" out",
                                in_quotes(server.user), in_quotes(server.user))});
  }
}

}  // namespace

std::vector<Diagnostic> validate_machine(const Config& config, CertificateStore& certificates) {
  std::vector<Diagnostic> out;
  check_certificates(config, out, certificates);
  check_key_files(config, out);
  check_client_authorities(config, out, certificates);
  check_upstream_tls(config, out, certificates);
  std::ranges::move(hosts_without_certificate(config, certificates), std::back_inserter(out));
  check_descriptors(config, out);
  check_user(config.server, out);
  std::ranges::move(validate_logs(config.log), std::back_inserter(out));
  std::ranges::move(validate_auth_files(config), std::back_inserter(out));
  std::ranges::move(validate_apps(config), std::back_inserter(out));
  return out;
}

}  // namespace gatehouse::config
