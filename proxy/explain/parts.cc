#include "proxy/explain/parts.h"

#include <algorithm>
#include <chrono>
#include <format>

#include "common/text.h"
#include "config/units.h"
#include "proxy/http/fault.h"

namespace gatehouse::parts {
namespace {

constexpr std::string_view kNewId = "(new for each request)";
constexpr std::string_view kPseudonym = "(new at each start)";

std::string shown(const Certificate& certificate) {
  return std::format("{} (until {:%Y-%m-%d})", certificate.file(),
                     std::chrono::floor<std::chrono::days>(certificate.not_after()));
}

std::string size_of(std::uint64_t bytes) {
  return bytes == kUnlimited ? "off" : config::format_size(bytes);
}

std::string rate_of(std::uint64_t bytes) {
  return bytes == 0 ? "off" : config::format_size(bytes) + "/s";
}

std::string without_made_id(std::string line, const DryRunResult& result) {
  if (result.id_made && line.ends_with(result.request_id)) {
    line.replace(line.size() - result.request_id.size(), result.request_id.size(), kNewId);
  }
  return line;
}

// What Via calls a process is made anew with it.
std::string without_pseudonym(std::string line) {
  constexpr std::string_view kName = "gatehouse-";
  constexpr std::size_t kDigits = 24;
  const std::size_t at = line.rfind(kName);
  if (line.starts_with("Via: ") && at != std::string::npos && line.size() == at + kName.size() + kDigits) {
    line.replace(at + kName.size(), kDigits, kPseudonym);
  }
  return line;
}

void note_edits(std::string_view key, const HeaderEdits& edits, std::vector<std::string>& out) {
  const auto note = [&](std::string_view verb, const std::string& name) {
    out.push_back(std::format("{}: {} {}", key, verb, name));
  };
  for (const std::string& name : edits.remove) note("removes", name);
  for (const auto& [name, value] : edits.set) note("sets", std::format("{}: {}", name, value));
  for (const auto& [name, value] : edits.add) note("adds", std::format("{}: {}", name, value));
}

void note_action(const config::Route& route, std::vector<std::string>& out) {
  if (const auto* redirect = std::get_if<config::Redirect>(&route.action)) {
    out.push_back(std::format("redirect: {} to \"{}\"", redirect->status, redirect->target));
  } else if (const auto* respond = std::get_if<config::Respond>(&route.action)) {
    out.push_back(std::format("respond: {} with a body of {} bytes", respond->status, respond->body.size()));
  } else if (const auto* files = std::get_if<config::Files>(&route.action)) {
    out.push_back(std::format("files: below {}, looked for as {}", files->folder, text::joined(files->attempts, ", ")));
  }
}

std::string auth_of(const config::Auth& auth) {
  std::string schemes = auth.negotiate ? "Negotiate" : "";
  if (auth.basic) text::add_to_list(schemes, "Basic (over TLS alone)");
  return std::format("auth: {}; who sends no credentials {}; X-Forwarded-User is who has signed in", schemes,
                     auth.anonymous ? "goes on without a name" : "gets 401");
}

}  // namespace

std::string file_and_line(const config::Location& location) {
  return location.line == 0 ? location.file : std::format("{}:{}", location.file, location.line);
}

Explanation::Certificate certificate(const TlsContexts& contexts, std::string_view server_name) {
  Explanation::Certificate out;
  const auto served = contexts.served_to(server_name);
  for (const auto& each : served) out.files.push_back(shown(*each));
  if (server_name.empty()) {
    out.why = "the first: no server name is sent for an IP address";
  } else if (served.empty()) {
    out.why = std::format("no certificate is for {}, and unknown_sni = \"reject\" (unrecognized_name)", server_name);
  } else if (std::ranges::contains(served.front()->names(), server_name)) {
    out.why = std::format("it has the name {}", server_name);
  } else if (served.front()->covers(server_name)) {
    out.why = std::format("its wildcard name covers {}", server_name);
  } else {
    out.why =
        std::format("the first: no certificate is for {}, so that clients which check it will refuse it", server_name);
  }
  if (contexts.client_auth() == ClientAuth::kRequire) out.why += "; the client has to show one too (client_auth)";
  if (contexts.client_auth() == ClientAuth::kOptional) out.why += "; the client is asked for one too (client_auth)";
  if (contexts.takes_early_data()) out.why += "; who comes back may send safe requests with the handshake (early_data)";
  return out;
}

std::vector<std::string> rewrites(const config::Route& route, const DryRunResult& result) {
  std::vector<std::string> out;
  note_action(route, out);
  if (route.h1_only || route.connection_auth) {
    out.push_back(std::format("{}: h2 and h3 are told to come back with HTTP/1.1, and Alt-Svc is withheld",
                              route.connection_auth ? "connection_auth" : R"(protocols = ["h1"])"));
  }
  if (route.auth) out.push_back(auth_of(*route.auth));
  if (route.strip_prefix && route.path.size() > 1 && !std::holds_alternative<config::Respond>(route.action)) {
    out.push_back(std::format("strip_prefix: \"{}\" is taken off {}", route.path, result.target));
  }
  if (!std::holds_alternative<config::Forward>(route.action)) return out;
  if (route.path_as == PathAs::kCanonical)
    out.emplace_back("path_as = \"canonical\": the path is decoded and resolved");
  if (!route.rewrite.empty()) {
    out.push_back(std::format("rewrite: the endpoint is asked for \"{}\", with the query as it is", route.rewrite));
  }
  if (!route.preserve_host) out.emplace_back("preserve_host = false: Host is the endpoint's");
  if (route.forwarded == config::ForwardedStyle::kRfc7239)
    out.emplace_back("forwarded = \"rfc7239\": Forwarded is sent");
  if (route.real_ip) out.emplace_back("real_ip: X-Real-IP is sent");
  if (route.grpc == Grpc::kWeb) out.emplace_back("grpc = \"web\": a request of gRPC becomes one of gRPC-Web");
  if (route.push)
    out.emplace_back("push: what the answer's Link names to preload is pushed to h2 clients that want it");
  if (route.cache != Caching::kOff) {
    out.emplace_back(route.cache == Caching::kHttpSys
                         ? "cache: answers that are Cache-Control: public are kept, as HTTP.sys does"
                         : "cache: answers are kept as RFC 9111 says");
  }
  if (route.early_hints) out.emplace_back("early_hints: what earlier answers taught is sent as 103, on h2 and h3");
  note_edits("request_headers", route.request_headers, out);
  return out;
}

std::string access(const AddressGate& gate, const Address& client) {
  if (gate.open()) return {};
  const AddressGate::Decision decision = gate.decide(client);
  const std::string who = client.is_unix() ? "a client of a Unix socket" : client.host();
  if (decision.by == nullptr) {
    return decision.passes ? std::format("{} may ask: deny does not list it", who)
                           : std::format("{} may not ask: allow does not list it", who);
  }
  return decision.passes ? std::format("{} may ask: allow has \"{}\"", who, decision.by->to_string())
                         : std::format("{} may not ask: deny has \"{}\"", who, decision.by->to_string());
}

std::vector<std::string> lines(const DryRunResult& result) {
  std::vector<std::string> out;
  std::string_view rest = result.endpoint_head;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    out.push_back(without_pseudonym(without_made_id(std::string(rest.substr(0, end)), result)));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 2);
  }
  return out;
}

// Of a forwarded request only what we add to the endpoint's answer: the fake endpoint's has no fields.
std::optional<Explanation::Response> response(const DryRunResult& result, const config::Route* route) {
  if (!result.response) return std::nullopt;
  Explanation::Response out;
  if (result.endpoint_head.empty()) out.status = result.response->status;
  for (const Field field : result.response->fields) {
    if (field.id == FieldName::kDate) continue;
    std::string value(field.value);
    const std::size_t end = value.find(';');
    const bool affinity = field.id == FieldName::kSetCookie && !result.sticky_cookie.empty() &&
                          value.starts_with(result.sticky_cookie + "=") && end != std::string::npos;
    if (affinity) value = result.sticky_cookie + "=(an id of the endpoint)" + value.substr(end);
    if (field.id == FieldName::kXRequestId) value = without_made_id(std::move(value), result);
    out.fields.emplace_back(field.name, std::move(value));
  }
  if (route != nullptr && !result.endpoint_head.empty()) out.removed = route->response_headers.remove;
  return out;
}

std::optional<Explanation::Fault> fault(const DryRunResult& result) {
  if (!result.fault) return std::nullopt;
  const FaultRule& row = rule(*result.fault);
  return Explanation::Fault{.label = std::string(row.label),
                            .blame = std::string(label(row.blame)),
                            .explanation = std::string(row.explanation),
                            .status = row.status};
}

std::vector<Explanation::Limit> limits(const ListenerPolicy& policy, const DryRunResult& result,
                                       const config::Route* route) {
  const ExchangeLimits& exchange = result.limits ? *result.limits : policy.exchange;
  const config::RouteLimits own = route != nullptr ? route->limits : config::RouteLimits{};
  const config::RouteTimeouts times = route != nullptr ? route->timeouts : config::RouteTimeouts{};
  const auto duration = config::format_duration;
  return {
      {.name = "max_header_bytes", .value = size_of(policy.head.max_header_bytes)},
      {.name = "max_header_count", .value = std::to_string(policy.head.max_header_count)},
      {.name = "max_target_bytes", .value = size_of(policy.head.max_target_bytes)},
      {.name = "max_request_body",
       .value = size_of(exchange.max_request_body),
       .by_route = own.max_request_body.has_value()},
      {.name = "min_request_rate",
       .value = rate_of(exchange.min_request_rate),
       .by_route = own.min_request_rate.has_value()},
      {.name = "min_response_rate",
       .value = rate_of(exchange.min_response_rate),
       .by_route = own.min_response_rate.has_value()},
      {.name = "bandwidth", .value = rate_of(result.bandwidth), .by_route = own.bandwidth.has_value()},
      {.name = "header timeout", .value = duration(policy.connection.header_timeout)},
      {.name = "idle timeout", .value = duration(policy.connection.idle_timeout)},
      {.name = "request_body timeout",
       .value = duration(exchange.request_body_timeout),
       .by_route = times.request_body.has_value()},
      {.name = "connect timeout", .value = duration(exchange.connect_timeout), .by_route = times.connect.has_value()},
      {.name = "response timeout",
       .value = duration(exchange.response_timeout),
       .by_route = times.response.has_value()},
      {.name = "response_body timeout",
       .value = duration(exchange.response_body_timeout),
       .by_route = times.response_body.has_value()},
      {.name = "response_write timeout",
       .value = duration(exchange.response_write_timeout),
       .by_route = times.response_write.has_value()},
      {.name = "tunnel timeout", .value = duration(exchange.tunnel_timeout), .by_route = times.tunnel.has_value()},
      {.name = "half_closed",
       .value = exchange.half_closed == HalfClosed::kServe ? "serve" : "abort",
       .by_route = exchange.half_closed != policy.exchange.half_closed},
      {.name = "linger timeout", .value = duration(policy.connection.linger_timeout)},
  };
}

}  // namespace gatehouse::parts
