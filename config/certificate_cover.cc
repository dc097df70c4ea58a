#include "config/certificate_cover.h"

#include <cstddef>
#include <format>
#include <set>
#include <string>

#include "config/quoting.h"

namespace gatehouse::config {

namespace {

bool is_ip_address(std::string_view host) {
  return host.contains(':') || host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// Returns false if one of them cannot be read, because then nobody knows which names it covers.
bool add_names(const Tls& tls, CertificateStore& certificates, CoveredNames& names) {
  for (const CertificateFiles& files : tls.certificates) {
    if (!files.complete()) return false;
    const auto certificate = certificates.certificate(files_of(files));
    if (!certificate) return false;
    for (const std::string& name : (*certificate)->names()) names.add(name);
  }
  return true;
}

}  // namespace

CertificateStore::Files files_of(const CertificateFiles& files) {
  return {.certificate = files.certificate, .private_key = files.private_key, .passphrase_file = files.passphrase_file};
}

void CoveredNames::add(std::string_view name) {
  names_.emplace(name);
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    endings_.emplace(name.substr(dot));
  }
}

// A wildcard of a route reaches further down than that of a certificate: only a host that no request could be served for
// is worth a warning.
bool CoveredNames::cover(std::string_view host) const {
  if (names_.contains(host)) return true;
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view below = host.substr(dot);
  return names_.contains("*" + std::string(below)) || (host.starts_with("*.") && endings_.contains(below));
}

// A host may be meant for one of several listeners, and for one without TLS: only what none of them can serve is said.
std::vector<Diagnostic> hosts_without_certificate(const Config& config, CertificateStore& certificates) {
  CoveredNames names;
  bool any_tls = false;
  for (const Listener& listener : config.listeners) {
    if (!listener.tls && !listener.redirect_to_https) return {};
    if (!listener.tls) continue;
    if (!add_names(*listener.tls, certificates, names)) return {};
    any_tls = true;
  }
  if (!any_tls) return {};
  std::vector<Diagnostic> out;
  std::set<std::string_view> said;
  for (const Route& route : config.routes) {
    for (const std::string& host : route.hosts) {
      if (is_ip_address(host) || names.cover(host) || !said.insert(host).second) continue;
      out.push_back({.severity = Severity::kWarning,
                     .location = route.location,
                     .message = std::format("no certificate is for the host {}, so that clients refuse the connection; "
                                            "add one to \"certificates\"",
                                            in_quotes(host))});
    }
  }
  return out;
}

}  // namespace gatehouse::config
