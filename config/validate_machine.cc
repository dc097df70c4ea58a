#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <format>
#include <iterator>
#include <string>
#include <utility>

#include "common/certificate.h"
#include "config/certificate_cover.h"
#include "config/quoting.h"
#include "config/validate.h"

namespace gatehouse::config {

namespace {

constexpr auto kSoon = std::chrono::days(14);
constexpr std::uint64_t kDescriptorsPerConnection = 2;  // the client's and the endpoint's
constexpr std::uint64_t kDescriptorReserve = 256;       // listeners, loops, logs, scrapes

void warning(std::vector<Diagnostic>& out, const Location& location, std::string message) {
  out.push_back({.severity = Severity::kWarning, .location = location, .message = std::move(message)});
}

void check_expiry(const Certificate& certificate, const CertificateFiles& files, std::vector<Diagnostic>& out) {
  const auto now = std::chrono::system_clock::now();
  if (certificate.not_after() > now + kSoon) return;
  warning(out, files.location,
          std::format("the certificate in {} {} on {:%Y-%m-%d}", in_quotes(files.certificate),
                      certificate.not_after() < now ? "expired" : "expires",
                      std::chrono::floor<std::chrono::days>(certificate.not_after())));
}

void check_key_permissions(const CertificateFiles& files, std::vector<Diagnostic>& out) {
  struct stat status{};
  if (::stat(files.private_key.c_str(), &status) != 0) return;  // the loading said so
  if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    warning(out, files.location,
            std::format("every user of this machine can read or write the private key {}; use chmod 600",
                        in_quotes(files.private_key)));
  }
}

void check_certificates(const Config& config, std::vector<Diagnostic>& out) {
  for (const Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const CertificateFiles& files : listener.tls->certificates) {
      if (files.certificate.empty() || files.private_key.empty()) continue;  // could not be read
      const auto certificate = Certificate::load(files.certificate, files.private_key);
      if (!certificate) {
        out.push_back({.location = files.location, .message = certificate.error().message});
        continue;
      }
      check_expiry(**certificate, files, out);
      check_key_permissions(files, out);
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

}  // namespace

std::vector<Diagnostic> validate_machine(const Config& config) {
  std::vector<Diagnostic> out;
  check_certificates(config, out);
  std::ranges::move(hosts_without_certificate(config), std::back_inserter(out));
  check_descriptors(config, out);
  std::ranges::move(validate_apps(config), std::back_inserter(out));
  return out;
}

}  // namespace gatehouse::config
