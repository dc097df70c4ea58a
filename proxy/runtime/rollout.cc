#include "proxy/runtime/rollout.h"

#include <filesystem>
#include <format>
#include <utility>

#include "proxy/runtime/registered_routing.h"
#include "proxy/runtime/upstream_settings.h"
#include "proxy/system/directories.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kPatience{5};

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
    : control_(dependencies.control),
      upstreams_(dependencies.upstreams),
      inherited_(dependencies.inherited),
      all_bound_(dependencies.bound),
      secrets_(dependencies.server),
      builder_(dependencies.connections, dependencies.upstreams, secrets_.affinity_key()),
      workers_({.control = dependencies.control,
                .access_log = dependencies.access_log,
                .faults = dependencies.faults,
                .secrets = secrets_.quic(),
                .descriptors = dependencies.descriptors},
               worker_metrics(dependencies.metrics, workers)),
      sockets_(workers, dependencies.inherited),
      alt_svc_(dependencies.control),
      registered_{
          .all = {dependencies.control,
                  dependencies.counts,
                  {.publish = [this](std::move_only_function<void()> done) { publish(std::move(done)); },
                   .taken_by_route = [this](const UrlPrefix& prefix) { return taken_by_route(*snapshot_, prefix); }}}} {
}

Result<std::unique_ptr<RegistrationSocket>> Rollout::open_registrations(const config::Config& config) {
  if (config.reservations.empty()) return nullptr;
  std::filesystem::path path = config.server.registrations;
  // Whoever we have become since might have another runtime directory.
  if (path.empty() && registered_.socket) return nullptr;
  if (path.empty()) {
    const auto directory = directories::passable_runtime();
    if (!directory) return std::unexpected(directory.error());
    path = *directory / "registrations.sock";
  }
  if (registered_.socket && registered_.socket->path() == path) return nullptr;
  return RegistrationSocket::open(control_, path, registered_.all);
}

void Rollout::publish(std::move_only_function<void()> done) {
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->registered = registered_routes(registered_.all.views(), *next, snapshot_.get());
  snapshot_ = next;
  workers_.adopt_registered(snapshot_, std::move(done));
}

std::vector<config::Diagnostic> Rollout::put_into_force(const config::Config& config, TlsMaterial tls) {
  auto built = builder_.build(config, std::move(tls), snapshot_.get());
  if (!built) return std::move(built.error());
  auto plan = sockets_.bind(*built);
  if (!plan) return {about_file(config, config::Severity::kError, plan.error().message)};
  auto opened = open_registrations(config);
  if (!opened) return {about_file(config, config::Severity::kError, opened.error().message)};
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
  registered_.all.configure(reservations_of(config));
  if (*opened || config.reservations.empty()) registered_.socket = *std::move(opened);
  built->registered = registered_routes(registered_.all.views(), *built, nullptr);
  const auto snapshot = std::make_shared<const Snapshot>(*std::move(built));
  sockets_.commit(*snapshot, *plan);
  bound_ = plan->listeners;
  upstreams_.configure(directory_spec(config, snapshot->tls_clients));
  if (!workers_.adopt(snapshot, std::move(plan->sockets), kPatience)) {
    diagnostics.push_back(
        about_file(config, config::Severity::kWarning, "a worker is slow to take the configuration over"));
  }
  snapshot_ = snapshot;
  builder_.committed(config);
  upstreams_.forget_unused();
  alt_svc_.adopt(*snapshot, bound_);
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
