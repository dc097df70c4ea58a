#include <algorithm>
#include <format>
#include <variant>

#include "common/text.h"
#include "config/names.h"
#include "config/target_rules.h"
#include "config/units.h"
#include "config/upstream_tls.h"
#include "proxy/explain/parts.h"

namespace gatehouse::parts {
namespace {

std::string what_is_hashed(const config::Balancing& balancing) {
  switch (balancing.hash_on) {
    case HashOn::kHeader:
      return std::format("the header {}", balancing.hash_name);
    case HashOn::kCookie:
      return std::format("the cookie {}", balancing.hash_name);
    case HashOn::kPath:
      return "the path";
    case HashOn::kClientAddress:
      break;
  }
  return "the client's address";
}

std::string balance_in_words(const config::Balancing& balancing, const DryRunResult& result) {
  const std::string_view name = config::kBalanceNames.text(balancing.balance);
  switch (balancing.balance) {
    case Balance::kRoundRobin:
      return std::format("{}: each in turn, by weight", name);
    case Balance::kLeastRequests:
      return std::format("{}: of two by chance the one with fewer requests in flight", name);
    case Balance::kRandom:
      return std::format("{}: by chance and weight", name);
    case Balance::kHash:
      break;
  }
  const std::string key = what_is_hashed(balancing);
  if (result.endpoint.empty() && !result.endpoint_head.empty()) {
    return std::format("{}: on {}, which this request does not have, so by chance", name, key);
  }
  return std::format("{}: on {}", name, key);
}

std::string failures_in_words(const StatusSet& statuses) {
  std::string words = "no connection, no answer";
  for (const std::string& range : config::format_statuses(statuses)) text::add_to_list(words, range);
  return words;
}

void add_settings(const config::Balancing& balancing, Explanation::Upstream& out) {
  const auto duration = config::format_duration;
  const auto add = [&](std::string name, std::string value) {
    out.settings.emplace_back(std::move(name), std::move(value));
  };
  if (!balancing.sticky_cookie.empty()) {
    add("sticky", std::format("the cookie {} has an id of the endpoint; if we made it and the endpoint is "
                              "well, it goes before balance",
                              balancing.sticky_cookie));
  }
  add("max_requests",
      balancing.max_requests == 0 ? "no limit" : std::format("{} per endpoint", balancing.max_requests));
  add("queue", std::format("{} may wait, for {}", balancing.queue, duration(balancing.queue_timeout)));
  if (balancing.proxy_protocol != SendProxyProtocol::kOff) {
    add("proxy_protocol", std::format("{}: a connection begins with who the client is, and serves its connection alone",
                                      config::kSendProxyProtocolNames.text(balancing.proxy_protocol)));
  }
  if (!balancing.delegate_to.empty()) {
    std::string names;
    for (const config::Forward& delegate : balancing.delegate_to) text::add_to_list(names, delegate.upstream);
    add("delegate_to", std::format("{}: an answer with X-Delegate-To hands the request over; a body is held until the "
                                   "endpoint asks for it by 100",
                                   names));
  }
  if (balancing.tolerance == Tolerance::kLenient)
    add("tolerance", "lenient: some answers that are not quite HTTP are repaired");
  add("pool",
      std::format("idle_timeout {}, max_idle {}", duration(balancing.pool.idle_timeout), balancing.pool.max_idle));
  const HealthOptions& health = balancing.health;
  add("health", health.path.empty()
                    ? "no active checks"
                    : std::format("GET {} every {}, {}-{} within {}", health.path, duration(health.interval),
                                  health.expect_first, health.expect_last, duration(health.timeout)));
  const OutlierOptions& outlier = balancing.outlier;
  add("outlier", outlier.consecutive_failures == 0
                     ? "off"
                     : std::format("{} failures in a row ({}) eject an endpoint for {}", outlier.consecutive_failures,
                                   failures_in_words(outlier.statuses), duration(outlier.eject_for)));
  if (balancing.when_all_unhealthy == WhenAllUnhealthy::kRefuse) {
    add("when_all_unhealthy", "refuse: 503 (no_healthy_endpoint) while every endpoint is unhealthy or ejected");
  }
}

std::string tls_in_words(const config::UpstreamTls& tls) {
  if (tls.insecure) return "not verified: insecure = true";
  const std::string who = tls.ca.empty() ? "a CA that this machine trusts" : tls.ca;
  std::string name = "the endpoint's name";
  if (!tls.server_name.empty()) name = tls.server_name;
  if (!tls.san.empty()) name = tls.san;
  return std::format("verified by {}, for {}{}", who, name,
                     tls.certificate.empty() ? "" : std::format("; ours is {}", tls.certificate));
}

Explanation::Endpoint shown(const config::Endpoint& endpoint) {
  Explanation::Endpoint out{.name = config::endpoint_text(endpoint), .note = {}};
  if (const auto* const name = std::get_if<config::DnsName>(&endpoint.at)) {
    out.note = name->port == 0 ? "by DNS, SRV" : "by DNS";
  }
  if (endpoint.localhost) out.note = "127.0.0.1, or ::1 if nobody listens there";
  if (endpoint.weight != 1) text::add_to_list(out.note, std::format("weight {}", endpoint.weight));
  return out;
}

void describe(const config::App& app, Explanation::Upstream& out) {
  out.app = true;
  for (std::uint32_t slot = 0; slot < app.instances; ++slot) {
    out.endpoints.push_back({.name = std::format("{}#{}", app.name, slot), .note = {}});
  }
  out.settings.emplace_back("command", text::joined(app.command, " "));
  out.settings.emplace_back("directory", app.directory);
  out.settings.emplace_back("start", app.start == AppStart::kEager
                                         ? "eager"
                                         : std::format("on_demand: the first request waits up to {}",
                                                       config::format_duration(app.start_timeout)));
}

}  // namespace

Explanation::Upstream upstream(const config::Config& config, const std::string& name, const DryRunResult& result) {
  Explanation::Upstream out{.name = name, .chosen = result.endpoint};
  const config::Balancing* balancing = nullptr;
  if (const auto app = std::ranges::find(config.apps, name, &config::App::name); app != config.apps.end()) {
    out.where = file_and_line(app->location);
    balancing = &app->balancing;
    describe(*app, out);
  }
  const auto listed = std::ranges::find(config.upstreams, name, &config::Upstream::name);
  if (listed != config.upstreams.end()) {
    out.where = file_and_line(listed->location);
    balancing = &listed->balancing;
    for (const config::Endpoint& endpoint : listed->endpoints) out.endpoints.push_back(shown(endpoint));
    if (config::has_tls(*listed)) out.settings.emplace_back("tls", tls_in_words(listed->tls));
  }
  if (balancing == nullptr) return out;
  // What a name stands for is not known here, and each address has its place on the ring.
  const bool by_name = std::ranges::any_of(
      out.endpoints, [](const Explanation::Endpoint& endpoint) { return endpoint.note.starts_with("by DNS"); });
  if (by_name) out.chosen.clear();
  out.balance = out.endpoints.size() == 1 ? "the only one" : balance_in_words(*balancing, result);
  add_settings(*balancing, out);
  return out;
}

}  // namespace gatehouse::parts
