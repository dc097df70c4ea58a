#include "proxy/explain/explain.h"

#include <algorithm>
#include <format>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/explain/dry_run.h"
#include "proxy/explain/listener_choice.h"
#include "proxy/explain/parts.h"
#include "proxy/explain/route_reasons.h"
#include "proxy/forward/registered_routes.h"

namespace gatehouse {
namespace {

constexpr std::string_view kExampleClient = "192.0.2.1:0";  // RFC 5737

bool is_ip_literal(const std::string& host) {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 || (host.find_first_not_of("0123456789.") == std::string::npos);
}

Address client_of(const Question& question, const ListenerSnapshot& listener) {
  if (question.client) return *question.client;
  if (listener.address.is_unix()) return *Address::parse("unix:client");
  return *Address::parse(listener.address.is_loopback() ? "127.0.0.1:0" : kExampleClient);
}

// What the handshake would settle. No name is sent for an address (RFC 6066 section 3).
std::shared_ptr<const TlsSummary> tls_of(const Question& question, const ListenerPolicy& policy) {
  if (!question.secure) return nullptr;
  TlsSummary tls{.version = "TLSv1.3", .server_name = is_ip_literal(question.host) ? std::string() : question.host};
  if (policy.client_auth != ClientAuth::kNone) {
    tls.certificate = std::make_shared<const ClientCertificate>(
        ClientCertificate{.field = ":(that of the client):", .chain_field = {}, .subject = {}});
  }
  return std::make_shared<const TlsSummary>(std::move(tls));
}

std::size_t index_of(const RouteTable& table, const Route* route) {
  return static_cast<std::size_t>(route - table.routes().data());
}

void explain_route(const config::Config& config, const RouteTable& table, const DryRunResult& result,
                   Explanation& out) {
  Explanation::Route& route = out.route.emplace();
  if (result.fault == Fault::kAmbiguousPath) {
    const std::string_view target = result.target;
    route.why = why_ambiguous(table, result.host, target.substr(0, target.find('?')), result.path);
    return;
  }
  const RouteReasons reasons = route_reasons(table, result.host, result.path);
  route.why = reasons.why;
  for (const PassedOver& other : reasons.others) {
    route.others.push_back({.name = table.routes()[other.route].name,
                            .where = parts::file_and_line(config.routes[other.route].location),
                            .why = other.why});
  }
  if (reasons.chosen == nullptr) return;
  const config::Route& source = config.routes[index_of(table, reasons.chosen)];
  route.name = reasons.chosen->name;
  route.where = parts::file_and_line(source.location);
  route.access = parts::access(reasons.chosen->address_gate, result.origin);
  route.rewrites = parts::rewrites(source, result);
  if (const auto* forward = std::get_if<config::Forward>(&source.action)) {
    out.upstream = parts::upstream(config, forward->upstream, result);
  }
}

// As if all that is reserved were registered. What really is only the running process knows.
std::string reserved_for(const config::Config& config, const DryRun& dry_run, const ListenerPolicy& listener,
                         const DryRunResult& result) {
  const RouteTable& table = *dry_run.snapshot().routes;
  std::vector<RegisteredRoutes::Entry> entries;
  for (const config::Reservation& each : config.reservations) {
    if (takes_place_of(table, *each.prefix) != nullptr) continue;
    const std::string owner = each.group.empty() ? "user " + each.user : "group " + each.group;
    RegisteredRoute entry{.prefix = *each.prefix, .route = {}};
    entry.route.name = std::format("{} for {}: a registration there comes first", each.prefix->to_string(), owner);
    entry.route.path = each.prefix->path;
    entries.push_back(std::make_shared<const RegisteredRoute>(std::move(entry)));
  }
  const RegisteredRoutes reserved(std::move(entries));
  const auto found = reserved.match(table, listener, result.host, result.path);
  return found.entry == nullptr ? "" : found.route->name;
}

std::string outcome_of(const Explanation& out, const DryRunResult& result) {
  if (out.fault) return std::format("refused with {}: {}", out.fault->status, out.fault->label);
  if (!out.endpoint_head.empty()) {
    return std::format("forwarded to the {} {}", out.upstream->app ? "app" : "upstream", out.upstream->name);
  }
  const auto location = result.response ? result.response->fields.find(FieldName::kLocation) : std::nullopt;
  const std::uint16_t status = result.response ? result.response->status : 0;
  return location ? std::format("redirected with {} to {}", status, *location)
                  : std::format("answered by Gatehouse with {}", status);
}

void explain_result(const config::Config& config, const DryRun& dry_run, const DryRunResult& result, Explanation& out) {
  out.decider = {.host = result.host, .path = result.path};
  out.stripped = result.stripped;
  const auto listener = std::ranges::find(dry_run.snapshot().listeners, out.listener->name, &ListenerSnapshot::name);
  const bool asks_routes = !result.path.empty() && (result.fault || !result.route.empty());
  if (asks_routes) explain_route(config, *dry_run.snapshot().routes, result, out);
  if (!result.path.empty() && !asks_routes) {
    out.listener->why +=
        "; it redirects to https (redirect_to_https), and no route is exempt from that for this request";
  }
  if (!result.path.empty()) out.reserved = reserved_for(config, dry_run, *listener->policy, result);
  out.endpoint_head = parts::lines(result);
  out.fault = parts::fault(result);
  const config::Route* route = nullptr;
  if (out.route && !out.route->name.empty()) {
    const RouteTable& table = *dry_run.snapshot().routes;
    route = &config.routes[index_of(table, table.match(result.host, result.path))];
  }
  out.response = parts::response(result, route);
  out.limits = parts::limits(*listener->policy, result, route);
  out.served = !out.fault.has_value();
  out.outcome = outcome_of(out, result);
}

}  // namespace

std::expected<Explanation, std::vector<config::Diagnostic>> explain(const config::Config& config,
                                                                    const Question& question,
                                                                    CertificateStore& certificates) {
  auto dry_run = DryRun::of(config, certificates);
  if (!dry_run) return std::unexpected(std::move(dry_run.error()));
  Explanation out;
  out.asked = {.method = question.method, .url = question.url, .protocol = {}, .client = {}};
  const auto choice = choose_listener((*dry_run)->snapshot(), question);
  if (!choice) {
    out.outcome = choice.error().message;
    return out;
  }
  const ListenerSnapshot& listener = *choice->listener;
  const auto index = static_cast<std::size_t>(&listener - (*dry_run)->snapshot().listeners.data());
  ClientInfo client{.protocol = choice->protocol,
                    .address = client_of(question, listener),
                    .listener = listener.policy,
                    .tls = tls_of(question, *listener.policy)};
  out.asked.protocol = label(choice->protocol);
  out.asked.client = client.address.is_unix() ? "a Unix socket" : client.address.host();
  out.listener = {.name = listener.name,
                  .where = parts::file_and_line(config.listeners[index].location),
                  .why = choice->why,
                  .others = choice->others};
  if (client.tls) out.certificate = parts::certificate(*listener.tls, client.tls->server_name);
  if (out.certificate && out.certificate->files.empty()) {
    out.outcome = std::format("the TLS handshake is refused: {}", out.certificate->why);
    return out;
  }
  const auto result = (*dry_run)->run(question, listener, std::move(client));
  if (!result)
    return std::unexpected(std::vector<config::Diagnostic>{{.location = {}, .message = result.error().message}});
  explain_result(config, **dry_run, *result, out);
  return out;
}

}  // namespace gatehouse
