#include "proxy/runtime/rollout.h"

#include <format>
#include <optional>
#include <utility>

#include "common/crypto/key_file.h"
#include "common/crypto/mac.h"
#include "common/crypto/random.h"
#include "common/crypto/secret_file.h"
#include "common/log.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kPatience{5};

constexpr std::size_t kSecretSize = sizeof(secret_file::Secret);

// What the machines of a fleet have in common, if they do.
std::optional<key_file::Key> shared_secret(const config::Server& server) {
  if (server.secret_file.path.empty()) return std::nullopt;
  auto key = key_file::load(server.secret_file.path, kSecretSize);
  if (key) return *std::move(key);
  log::error("{}; a secret of this machine's own is used instead", key.error().message);
  return std::nullopt;
}

// Survives a restart, so that we can end the QUIC connections that our former self had (RFC 9000 section 10.3).
QuicSecrets own_quic_secrets() {
  auto directory = directories::state();
  if (!directory) {
    log::warn("QUIC secrets will not survive a restart: {}", directory.error().message);
    return QuicSecrets::random();
  }
  auto secrets = QuicSecrets::load_or_create(*directory / "quic-secret");
  if (secrets) return *secrets;
  log::warn("QUIC secrets will not survive a restart: {}", secrets.error().message);
  return QuicSecrets::random();
}

QuicSecrets quic_secrets(const config::Server& server) {
  const auto shared = shared_secret(server);
  // With a server id all of them derive from what is shared, and none needs a place of its own to be kept.
  const bool needs_own = !shared || server.quic_server_id.empty();
  QuicSecrets secrets = needs_own ? own_quic_secrets() : QuicSecrets{};
  if (shared) secrets.share(shared->bytes().first<kSecretSize>(), server.quic_server_id);
  return secrets;
}

// Survives a restart, and with it the affinity of clients.
std::string affinity_key(const config::Server& server) {
  if (const auto shared = shared_secret(server)) {
    const auto bytes = shared->bytes();
    return mac::sign({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "gatehouse affinity cookies");
  }
  const auto directory = directories::state();
  auto secret = directory ? secret_file::load_or_create(*directory / "affinity-secret")
                          : Result<secret_file::Secret>(std::unexpected(directory.error()));
  if (!secret) {
    log::warn("affinity cookies will not survive a restart: {}", secret.error().message);
    secret.emplace();
    random::fill_secure(*secret);
  }
  return {secret->begin(), secret->end()};
}

std::vector<std::shared_ptr<WorkerMetrics>> worker_metrics(Metrics& metrics, std::size_t workers) {
  std::vector<std::shared_ptr<WorkerMetrics>> all;
  for (std::size_t i = 0; i < workers; ++i) {
    all.push_back(std::make_shared<WorkerMetrics>());
    metrics.add(all.back());
  }
  return all;
}

config::Diagnostic about_file(const config::Config& config, config::Severity severity, std::string message) {
  return {.severity = severity, .location = {.file = config.file}, .message = std::move(message)};
}

}  // namespace

Rollout::Rollout(const Dependencies& dependencies, std::size_t workers)
    : upstreams_(dependencies.upstreams),
      inherited_(dependencies.inherited),
      all_bound_(dependencies.bound),
      secrets_(quic_secrets(dependencies.server)),
      builder_(dependencies.connections, dependencies.upstreams, affinity_key(dependencies.server)),
      workers_({.control = dependencies.control,
                .access_log = dependencies.access_log,
                .faults = dependencies.faults,
                .secrets = secrets_,
                .descriptors = dependencies.descriptors},
               worker_metrics(dependencies.metrics, workers)),
      sockets_(workers, dependencies.inherited) {}

std::vector<config::Diagnostic> Rollout::put_into_force(const config::Config& config) {
  auto built = builder_.build(config, snapshot_.get());
  if (!built) return std::move(built.error());
  auto plan = sockets_.bind(*built);
  if (!plan) return {about_file(config, config::Severity::kError, plan.error().message)};
  if (const auto ready = all_bound_(config); !ready) {
    return {about_file(config, config::Severity::kError, ready.error().message)};
  }

  // From here on nothing fails.
  std::vector<config::Diagnostic> diagnostics;
  for (std::string& warning : plan->warnings) {
    diagnostics.push_back(about_file(config, config::Severity::kWarning, std::move(warning)));
  }
  for (const std::string& socket : unwanted(config, *built)) {
    diagnostics.push_back(about_file(config, config::Severity::kWarning,
                                     std::format("the socket {} was handed over, but no listener has its address: "
                                                 "whoever connects there waits in vain",
                                                 socket)));
  }
  SnapshotBuilder::settle(*built, config, plan->listeners);
  const auto snapshot = std::make_shared<const Snapshot>(*std::move(built));
  sockets_.commit(*snapshot, *plan);
  bound_ = plan->listeners;
  upstreams_.configure(config);
  if (!workers_.adopt(snapshot, std::move(plan->sockets), kPatience)) {
    diagnostics.push_back(
        about_file(config, config::Severity::kWarning, "a worker is slow to take the configuration over"));
  }
  snapshot_ = snapshot;
  builder_.committed(config);
  upstreams_.forget_unused();
  return diagnostics;
}

std::vector<std::string> Rollout::unwanted(const config::Config& config, const Snapshot& snapshot) const {
  using Kind = InheritedSockets::Kind;
  std::vector<InheritedSockets::Use> uses;
  if (config.server.admin) uses.push_back({.address = *config.server.admin, .kind = Kind::kStream});
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    if (listener.uses_tcp()) uses.push_back({.address = listener.address, .kind = Kind::kStream});
    if (listener.speaks_h3) uses.push_back({.address = listener.address, .kind = Kind::kDatagram});
  }
  return inherited_.unwanted_by(uses);
}

}  // namespace gatehouse
