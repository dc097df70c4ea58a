#include "proxy/explain/explain.h"

#include <algorithm>
#include <format>
#include <utility>

#include "proxy/explain/dry_run.h"
#include "proxy/explain/listener_choice.h"
#include "proxy/explain/parts.h"
#include "proxy/explain/route_reasons.h"

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
std::shared_ptr<const TlsSummary> tls_of(const Question& question) {
  if (!question.secure) return nullptr;
  return std::make_shared<TlsSummary>(
      TlsSummary{.version = "TLSv1.3", .server_name = is_ip_literal(question.host) ? std::string() : question.host});
}

std::size_t index_of(const RouteTable& table, const Route* route) {
  return static_cast<std::size_t>(route - table.routes().data());
}

void explain_route(const config::Config& config, const RouteTable& table, const DryRunResult& result,
                   Explanation& out) {
  const RouteReasons reasons = route_reasons(table, result.host, result.path);
  Explanation::Route& route = out.route.emplace();
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
  route.rewrites = parts::rewrites(source, result);
  if (const auto* forward = std::get_if<config::Forward>(&source.action)) {
    out.upstream = parts::upstream(config, forward->upstream, result);
  }
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
                                                                    const Question& question) {
  auto dry_run = DryRun::of(config);
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
                    .tls = tls_of(question)};
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
