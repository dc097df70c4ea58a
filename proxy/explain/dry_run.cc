#include "proxy/explain/dry_run.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <utility>
#include <variant>

#include "common/timer.h"
#include "common/waker.h"
#include "config/target_rules.h"
#include "proxy/apps/watched_folders.h"
#include "proxy/forward/affinity.h"
#include "proxy/forward/routing.h"
#include "proxy/frontend/client_transport.h"
#include "proxy/http/asserted_fields.h"
#include "proxy/http/disguise.h"
#include "proxy/http/field_rules.h"
#include "proxy/runtime/upstream_settings.h"

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::string_view kDefaultPort = ":443";
constexpr std::string_view kPairingToken = "(made-for-each-instance)";

class Unobserved final : public ExchangeObserver {
 public:
  void on_begin(const Exchange& /*exchange*/) override {}
  void on_end(const Exchange& /*exchange*/) override {}
};

std::string_view why_stripped(std::string_view name, const asserted_fields::Speaker& speaker) {
  using enum asserted_fields::Verdict;
  switch (asserted_fields::judge(name, speaker)) {
    case kUntrusted:
      return "only a proxy of trusted_proxies may say it";
    case kOurs:
      return "only Gatehouse may say it";
    case kDisguised:
      return "another spelling of what only a proxy may say";
    case kListener:
      return "strip of the listener has it";
    case kStays:
      break;
  }
  return disguise::passes_for(name) == FieldName::kOther ? "" : "another spelling of a name that has a meaning here";
}

std::vector<Explanation::Stripped> stripped(const Question& question, const ClientInfo& client) {
  std::vector<Explanation::Stripped> out;
  const auto speaker = asserted_fields::Speaker::of(client);
  for (const auto& [name, value] : question.headers) {
    if (const std::string_view why = why_stripped(name, speaker); !why.empty()) {
      out.push_back({.name = name, .why = std::string(why)});
    }
  }
  return out;
}

// Everything is bound, as far as the configuration says so.
std::map<std::string, BoundListener> as_if_bound(const Snapshot& snapshot) {
  std::map<std::string, BoundListener> bound;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    bound[listener.name] = {.port = listener.address.port(), .tcp = listener.uses_tcp(), .quic = listener.speaks_h3};
  }
  return bound;
}

}  // namespace

std::expected<std::unique_ptr<DryRun>, DryRun::Diagnostics> DryRun::of(const config::Config& config,
                                                                       CertificateStore& certificates) {
  auto made = std::make_unique<DryRun>();
  config::Config quiet = config;
  quiet.log.access.output = "off";
  // What comes before the head is not HTTP, and not what is shown.
  for (config::Upstream& upstream : quiet.upstreams) upstream.balancing.proxy_protocol = SendProxyProtocol::kOff;
  auto tls = TlsMaterial::load(
      quiet, {.certificates = certificates, .ticket_keys = std::make_shared<TicketKeys>(), .current = nullptr});
  if (!tls) return std::unexpected(std::move(tls.error()));
  auto snapshot = made->builder_.build(quiet, *std::move(tls), nullptr);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  SnapshotBuilder::settle(*snapshot, quiet, as_if_bound(*snapshot));
  made->snapshot_ = *std::move(snapshot);
  auto fake_endpoint = FakeEndpoint::listen(made->loop_);
  if (!fake_endpoint) return std::unexpected(Diagnostics{{.location = {}, .message = fake_endpoint.error().message}});
  made->fake_endpoint_ = *std::move(fake_endpoint);
  made->add_endpoints(config);
  return made;
}

void DryRun::add_endpoints(const config::Config& config) {
  for (const config::Upstream& upstream : config.upstreams) add_endpoints(upstream);
  for (const config::App& app : config.apps) add_endpoints(app);
}

std::shared_ptr<Endpoint> DryRun::fake_endpoint(Endpoint::Identity real) const {
  const Endpoint named(real);  // fills in what is not said
  real.name = named.name();
  real.authority = named.authority();
  real.address = fake_endpoint_->address();
  return std::make_shared<Endpoint>(std::move(real));
}

// Only hashing says beforehand who is chosen. Where chance does, all look alike but for Host, which is then the
// first's.
void DryRun::add_endpoints(const config::Upstream& upstream) {
  auto set = std::make_shared<EndpointSet>();
  for (const config::Endpoint& entry : upstream.endpoints) {
    Endpoint::Identity identity{.upstream = upstream.name, .address = {}};
    if (const auto* address = std::get_if<Address>(&entry.at)) {
      identity.address = *address;
    } else {
      identity.name = identity.authority = config::endpoint_text(std::get<config::DnsName>(entry.at));
    }
    if (entry.localhost) identity.name = identity.authority = std::format("localhost:{}", identity.address.port());
    if (!entry.tls_host.empty()) {
      identity.name = config::endpoint_text(entry);
      if (!entry.localhost) identity.authority = config::endpoint_text(entry.at);
      if (identity.authority.ends_with(kDefaultPort))
        identity.authority.resize(identity.authority.size() - kDefaultPort.size());
    }
    auto endpoint = fake_endpoint(std::move(identity));
    const std::string name = endpoint->name();
    set->members.push_back({.endpoint = std::move(endpoint), .weight = entry.weight, .affinity = name});
    if (upstream.balancing.balance != Balance::kHash) break;
  }
  directory_.membership(upstream.name)->replace(std::move(set));
}

void DryRun::add_endpoints(const config::App& app) {
  auto set = std::make_shared<EndpointSet>();
  const AppSpec spec = app_spec(app);
  // Who may not become the app's user sees what he can see himself.
  const AppUser user = identity_to_take(spec.process.user).value_or(std::nullopt);
  if (auto page = offline_page_of(spec, user)) {
    set->refusal = {.fault = Fault::kAppOffline, .retry_after = {}, .body = page->body, .content_type = page->type};
    directory_.membership(app.name)->replace(std::move(set));
    return;
  }
  const bool by_hash = app.balancing.balance == Balance::kHash;
  for (std::uint32_t slot = 0; slot < (by_hash ? app.instances : 1); ++slot) {
    Endpoint::Identity identity{.upstream = app.name, .address = {}, .name = std::format("{}#{}", app.name, slot)};
    identity.authority = app.transport == AppTransport::kSocket ? "localhost" : "127.0.0.1:PORT";
    const bool paired = app.profile == AppProfile::kAspNetCore && app.transport == AppTransport::kPort;
    if (paired) identity.pairing_token = kPairingToken;
    set->members.push_back(
        {.endpoint = fake_endpoint(std::move(identity)), .weight = 1, .affinity = std::to_string(slot)});
  }
  directory_.membership(app.name)->replace(std::move(set));
}

// What one exchange needs to run.
class DryRun::ExchangeRun {
 public:
  explicit ExchangeRun(DryRun& dry_run)
      : snapshot_(dry_run.snapshot_),
        loop_(dry_run.loop_),
        pools_(loop_, {.endpoint = [this](const Endpoint&) -> EndpointCounters& { return endpoint_counters_; },
                       .upstream = [this](std::string_view) -> UpstreamCounters& { return upstream_counters_; }}),
        context_{.loop = loop_,
                 .observer = observer_,
                 .make_responder =
                     [this](Exchange& exchange) {
                       return make_responder(exchange, {.configured = snapshot_.routes}, pools_, hints_);
                     }},
        progress_(loop_,
                  [this] {
                    if (exchange_->response() || exchange_->broken_off()) loop_.stop();
                  }),
        patience_(loop_, [this] {
          in_time_ = false;
          loop_.stop();
        }) {
    pools_.adopt(snapshot_.upstreams);
    patience_.arm(kPatience);
  }

  void enter(ClientInfo client, RequestHead head) {
    exchange_.emplace(context_, std::move(client), std::move(head), progress_);
  }
  void enter(ClientInfo client, RequestHead head, Fault fault) {
    exchange_.emplace(context_, std::move(client), std::move(head), progress_, fault);
  }

  // Returns false if the exchange did not come to an end.
  bool run(DryRunResult& result) {
    loop_.run();
    const ExchangeRecord& record = exchange_->record();
    result.fault = record.fault;
    result.route = record.route;
    result.origin = exchange_->client().origin();
    result.request_id = record.request_id;
    result.limits = exchange_->limits();
    for (const Route& route : snapshot_.routes->routes()) {
      if (route.name == record.route && route.throttle) result.bandwidth = route.throttle->responses.rate();
    }
    note_upstream(result);
    if (exchange_->response()) {
      result.response.emplace().status = exchange_->response()->status;
      result.response->fields = exchange_->response()->fields.clone();
    }
    return in_time_;
  }

 private:
  void note_upstream(DryRunResult& result) const {
    const ExchangeRecord& record = exchange_->record();
    for (const auto& upstream : snapshot_.upstreams) {
      if (upstream->name() != record.upstream) continue;
      result.sticky_cookie = upstream->options().sticky_cookie;
      const bool keyed = affinity::key(exchange_->request(), exchange_->client(), upstream->options()).has_value();
      if (keyed) result.endpoint = record.endpoint;
    }
  }

  const Snapshot& snapshot_;
  EventLoop& loop_;
  EndpointCounters endpoint_counters_;
  UpstreamCounters upstream_counters_;
  UpstreamPools pools_;
  EarlyHints hints_;
  Unobserved observer_;
  ExchangeContext context_;
  Waker progress_;
  Timer patience_;
  bool in_time_ = true;
  std::optional<Exchange> exchange_;  // last: the first to go
};

Result<DryRunResult> DryRun::run(const Question& question, const ListenerSnapshot& listener, ClientInfo client) {
  DryRunResult result;
  result.stripped = stripped(question, client);
  ExchangeRun exchange_run(*this);
  auto raw = raw_request(question, client.protocol, listener.policy->head);
  if (!raw) {
    RequestHead unread{.protocol = client.protocol, .secure = question.secure};
    exchange_run.enter(std::move(client), std::move(unread), raw.error());
  } else if (auto head = field_rules::check_request(
                 *raw, listener.policy->head, misdirection(listener.tls.get(), client.tls.get(), listener.tls.get()))) {
    result.host = head->host();
    result.path = head->canonical_path();
    result.target = head->target;
    exchange_run.enter(std::move(client), *std::move(head));
  } else {
    exchange_run.enter(std::move(client), field_rules::rejected_head(*std::move(raw)), head.error());
  }
  if (!exchange_run.run(result)) return failure("the dry run did not come to an end");
  result.endpoint_head = fake_endpoint_->head();
  result.id_made = std::ranges::none_of(question.headers, [&](const auto& header) {
    return field_name(header.first) == FieldName::kXRequestId && header.second == result.request_id;
  });
  return result;
}

}  // namespace gatehouse
