#include "proxy/server/next_start.h"

#include <algorithm>
#include <format>
#include <string_view>

#include "proxy/runtime/worker_group.h"

namespace gatehouse {
namespace {

bool identity_differs(const config::Server& one, const config::Server& other) {
  return one.secret_file.path != other.secret_file.path || one.quic_server_id != other.quic_server_id ||
         one.quic_config_id != other.quic_config_id;
}

}  // namespace

std::size_t workers_of(const config::Config& config) {
  constexpr std::size_t kMost = 255;  // a QUIC connection id has one byte for its worker
  const std::size_t wanted = config.server.workers == 0 ? available_cpus() : config.server.workers;
  return std::clamp<std::size_t>(wanted, 1, kMost);
}

std::vector<config::Diagnostic> what_waits(const config::Config& wanted, const config::Config& running,
                                           std::size_t workers) {
  std::vector<config::Diagnostic> warnings;
  const auto warn = [&](bool differs, std::string_view what) {
    if (!differs) return;
    warnings.push_back({.severity = config::Severity::kWarning,
                        .location = {.file = wanted.file},
                        .message = std::format("{} with the next start", what)});
  };
  warn(workers_of(wanted) != workers, "server.workers takes effect");
  warn(wanted.server.control != running.server.control, "server.control takes effect");
  warn(identity_differs(wanted.server, running.server),
       "server.secret_file, quic_server_id and quic_config_id take effect");
  warn(wanted.server.user != running.server.user, "server.user takes effect");
  return warnings;
}

}  // namespace gatehouse
