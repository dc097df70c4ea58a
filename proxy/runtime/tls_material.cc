#include "proxy/runtime/tls_material.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <string>
#include <unordered_set>
#include <utility>

#include "config/certificate_cover.h"
#include "config/upstream_tls.h"
#include "proxy/runtime/auth_gates.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

namespace {

using Diagnostics = TlsMaterial::Diagnostics;
using Dependencies = TlsMaterial::Dependencies;

std::shared_ptr<TicketKeys> ticket_keys_of(const config::Tls& tls, const Dependencies& dependencies,
                                           Diagnostics& diagnostics) {
  if (!tls.session_tickets) return nullptr;
  if (tls.ticket_key_files.empty()) return dependencies.ticket_keys;
  std::vector<std::string> files;
  for (const config::KeyFile& file : tls.ticket_key_files) files.push_back(file.path);
  auto keys = TicketKeys::load(files);
  if (keys) return *std::move(keys);
  diagnostics.push_back({.location = tls.ticket_key_files.front().location, .message = keys.error().message});
  return nullptr;
}

TlsOptions options_of(const config::Listener& listener, const Dependencies& dependencies, Diagnostics& diagnostics) {
  const config::Tls& tls = *listener.tls;
  TlsOptions options;
  options.unknown_sni = tls.unknown_sni;
  options.min_version = tls.min_version;
  options.client_auth = tls.client_auth;
  options.early_data = tls.early_data;
  options.ticket_keys = ticket_keys_of(tls, dependencies, diagnostics);
  options.speaks_h1 = listener.protocols.h1;
  options.speaks_h2 = listener.protocols.h2;
  options.certificates.reserve(tls.certificates.size());
  for (const config::CertificateFiles& files : tls.certificates) {
    if (auto certificate = dependencies.certificates.certificate(config::files_of(files))) {
      options.certificates.push_back(*std::move(certificate));
    } else {
      diagnostics.push_back({.location = files.location, .message = certificate.error().message});
    }
  }
  if (options.client_auth == ClientAuth::kNone) return options;
  if (auto anchors = dependencies.certificates.anchors(tls.client_ca)) {
    options.client_ca = *std::move(anchors);
  } else {
    diagnostics.push_back({.location = listener.location, .message = anchors.error().message});
  }
  return options;
}

// With the same options those of the snapshot in force go on: with early data they know which tickets were taken.
std::shared_ptr<const TlsContexts> contexts_of(const config::Listener& listener, const Dependencies& dependencies,
                                               Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.size();
  TlsOptions options = options_of(listener, dependencies, diagnostics);
  if (diagnostics.size() > before) return nullptr;
  if (dependencies.current) {
    const auto same = std::ranges::find_if(dependencies.current->listeners, [&](const ListenerSnapshot& candidate) {
      return candidate.tls && candidate.address == listener.address && candidate.tls->options() == options;
    });
    if (same != dependencies.current->listeners.end()) return same->tls;
  }
  auto made = TlsContexts::make(std::move(options));
  if (made) return *std::move(made);
  diagnostics.push_back({.location = listener.location, .message = made.error().message});
  return nullptr;
}

// Those that stay the same keep endpoints with their connections; others make new ones.
TlsClients clients_of(const config::Config& config, const Dependencies& dependencies, Diagnostics& diagnostics) {
  TlsClients clients;
  for (const config::Upstream& upstream : config.upstreams) {
    if (!config::has_tls(upstream)) continue;
    auto made = TlsClient::make(config::tls_options(upstream.tls), dependencies.certificates);
    if (!made) {
      diagnostics.push_back({.location = config::tls_location(upstream), .message = made.error().message});
      continue;
    }
    std::shared_ptr<const TlsClient>& client = clients[upstream.name];
    client = *std::move(made);
    if (!dependencies.current) continue;
    const TlsClients& before = dependencies.current->tls_clients;
    const auto known = before.find(upstream.name);
    if (known != before.end() && client->same_as(*known->second)) client = known->second;
  }
  return clients;
}

std::string validity(const Certificate& certificate, WallTime now) {
  const auto time = [](WallTime at) {
    return std::format("{:%F %T} UTC", std::chrono::floor<std::chrono::seconds>(at));
  };
  const bool expired = certificate.not_after() < now;
  return std::format("{} {}: it is valid from {} to {}, and now it is {}", certificate.file(),
                     expired ? "has expired" : "is not valid yet", time(certificate.not_before()),
                     time(certificate.not_after()), time(now));
}

// The certificates that are served now: the same objects as a rule, or copies in other files.
class Served {
 public:
  explicit Served(const Snapshot& snapshot) {
    for (const ListenerSnapshot& listener : snapshot.listeners) {
      if (!listener.tls) continue;
      for (const auto& certificate : listener.tls->certificates()) served_.insert(certificate.get());
    }
  }
  bool has(const Certificate& certificate) const {
    return served_.contains(&certificate) ||
           std::ranges::any_of(served_, [&](const Certificate* other) { return other->same_leaf(certificate); });
  }

 private:
  std::unordered_set<const Certificate*> served_;
};

// A certificate that no client accepts must not take the place of one that all accept. Where it is in force already, or
// there is none yet, it is better than nothing.
void judge_certificates(const config::Config& config, const TlsMaterial& material, const Snapshot& current,
                        Diagnostics& diagnostics) {
  const Served served(current);
  const WallTime now = Clock::system().wall();
  for (std::size_t i = 0; i < material.listeners.size(); ++i) {
    if (!material.listeners[i]) continue;
    const auto& certificates = material.listeners[i]->certificates();
    for (std::size_t j = 0; j < certificates.size(); ++j) {
      if (certificates[j]->valid_at(now) || served.has(*certificates[j])) continue;
      diagnostics.push_back(
          {.location = config.listeners[i].tls->certificates[j].location, .message = validity(*certificates[j], now)});
    }
  }
}

}  // namespace

std::expected<TlsMaterial, Diagnostics> TlsMaterial::load(const config::Config& config,
                                                          const Dependencies& dependencies) {
  TlsMaterial material;
  Diagnostics diagnostics;
  for (const config::Listener& listener : config.listeners) {
    material.listeners.push_back(listener.tls ? contexts_of(listener, dependencies, diagnostics) : nullptr);
  }
  if (dependencies.current) judge_certificates(config, material, *dependencies.current, diagnostics);
  material.clients = clients_of(config, dependencies, diagnostics);
  material.auth = auth_gates(config, dependencies, diagnostics);
  if (!diagnostics.empty()) return std::unexpected(std::move(diagnostics));
  return material;
}

}  // namespace gatehouse
