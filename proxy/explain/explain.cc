#include "proxy/explain/explain.h"

#include <algorithm>
#include <format>
#include <utility>

#include "proxy/explain/listener_choice.h"
#include "proxy/explain/parts.h"
#include "proxy/explain/rehearsal.h"
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

void explain_route(const config::Config& config, const RouteTable& table, const Play& play, Explanation& out) {
  const RouteReasons reasons = route_reasons(table, play.host, play.path);
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
  route.rewrites = parts::rewrites(source, play);
  if (const auto* forward = std::get_if<config::Forward>(&source.action)) {
    out.upstream = parts::upstream(config, forward->upstream, play);
  }
}

std::string outcome_of(const Explanation& out, const Play& play) {
  if (out.fault) return std::format("refused with {}: {}", out.fault->status, out.fault->label);
  if (!out.endpoint_head.empty()) {
    return std::format("forwarded to the {} {}", out.upstream->app ? "app" : "upstream", out.upstream->name);
  }
  const auto location = play.response ? play.response->fields.find(FieldName::kLocation) : std::nullopt;
  const std::uint16_t status = play.response ? play.response->status : 0;
  return location ? std::format("redirected with {} to {}", status, *location)
                  : std::format("answered by Gatehouse with {}", status);
}

void explain_play(const config::Config& config, const Rehearsal& rehearsal, const Play& play, Explanation& out) {
  out.decider = {.host = play.host, .path = play.path};
  out.stripped = play.stripped;
  const auto listener = std::ranges::find(rehearsal.snapshot().listeners, out.listener->name, &ListenerSnapshot::name);
  const bool asks_routes = !play.path.empty() && (play.fault || !play.route.empty());
  if (asks_routes) explain_route(config, *rehearsal.snapshot().routes, play, out);
  if (!play.path.empty() && !asks_routes) {
    out.listener->why +=
        "; it redirects to https (redirect_to_https), and no route is exempt from that for this request";
  }
  out.endpoint_head = parts::lines(play);
  out.fault = parts::fault(play);
  const config::Route* route = nullptr;
  if (out.route && !out.route->name.empty()) {
    const RouteTable& table = *rehearsal.snapshot().routes;
    route = &config.routes[index_of(table, table.match(play.host, play.path))];
  }
  out.response = parts::response(play, route);
  out.limits = parts::limits(*listener->policy, play, route);
  out.served = !out.fault.has_value();
  out.outcome = outcome_of(out, play);
}

}  // namespace

std::expected<Explanation, std::vector<config::Diagnostic>> explain(const config::Config& config,
                                                                    const Question& question) {
  auto rehearsal = Rehearsal::of(config);
  if (!rehearsal) return std::unexpected(std::move(rehearsal.error()));
  Explanation out;
  out.asked = {.method = question.method, .url = question.url, .protocol = {}, .client = {}};
  const auto choice = choose_listener((*rehearsal)->snapshot(), question);
  if (!choice) {
    out.outcome = choice.error().message;
    return out;
  }
  const ListenerSnapshot& listener = *choice->listener;
  const auto index = static_cast<std::size_t>(&listener - (*rehearsal)->snapshot().listeners.data());
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
  const auto play = (*rehearsal)->play(question, listener, std::move(client));
  if (!play) return std::unexpected(std::vector<config::Diagnostic>{{.location = {}, .message = play.error().message}});
  explain_play(config, **rehearsal, *play, out);
  return out;
}

}  // namespace gatehouse
