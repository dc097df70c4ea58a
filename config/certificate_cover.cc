#include "config/certificate_cover.h"

#include <algorithm>
#include <format>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/crypto/certificate.h"
#include "config/quoting.h"

namespace gatehouse::config {

namespace {

bool is_ip_address(std::string_view host) {
  return host.contains(':') || host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// Returns nothing if one of them cannot be read, because then nobody knows which names it covers.
std::optional<std::vector<std::vector<std::string>>> names_of(const Tls& tls) {
  std::vector<std::vector<std::string>> all;
  for (const CertificateFiles& files : tls.certificates) {
    if (files.certificate.empty() || files.private_key.empty()) return std::nullopt;
    const auto certificate = Certificate::load(files.certificate, files.private_key);
    if (!certificate) return std::nullopt;
    all.push_back((*certificate)->names());
  }
  return all;
}

}  // namespace

// A wildcard of a route reaches further down than that of a certificate, which is for one label (RFC 9525 section 6.3):
// only a host that no request could be served for is worth a warning.
bool covered(std::string_view host, const std::vector<std::vector<std::string>>& names) {
  const std::size_t dot = host.find('.');
  const std::string_view below = dot == std::string_view::npos ? std::string_view() : host.substr(dot);
  const bool wildcard = host.starts_with("*.");
  const auto covers = [&](const std::string& name) {
    if (name == host) return true;
    if (name.starts_with("*.") && dot > 0 && !below.empty() && std::string_view(name).substr(1) == below) return true;
    return wildcard && name.ends_with(below);
  };
  return std::ranges::any_of(names, [&](const auto& each) { return std::ranges::any_of(each, covers); });
}

// A host may be meant for one of several listeners, and for one without TLS: only what none of them can serve is said.
std::vector<Diagnostic> hosts_without_certificate(const Config& config) {
  std::vector<std::vector<std::string>> names;
  bool any_tls = false;
  for (const Listener& listener : config.listeners) {
    if (!listener.tls && !listener.redirect_to_https) return {};
    if (!listener.tls) continue;
    const auto more = names_of(*listener.tls);
    if (!more) return {};
    names.insert(names.end(), more->begin(), more->end());
    any_tls = true;
  }
  if (!any_tls) return {};
  std::vector<Diagnostic> out;
  std::set<std::string_view> said;
  for (const Route& route : config.routes) {
    for (const std::string& host : route.hosts) {
      if (is_ip_address(host) || covered(host, names) || !said.insert(host).second) continue;
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
