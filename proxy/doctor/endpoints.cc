#include "proxy/doctor/endpoints.h"

#include <algorithm>
#include <format>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <variant>

#include "common/crypto/certificate_store.h"
#include "common/crypto/tls_server.h"
#include "common/event_loop.h"
#include "common/timer.h"
#include "config/target_rules.h"
#include "config/upstream_tls.h"
#include "proxy/http/fault.h"
#include "proxy/upstream/connector.h"
#include "proxy/upstream/introduction.h"

namespace gatehouse::doctor {
namespace {

std::string reason(const Connector::Failure& failure) {
  if (!failure.why.empty()) return std::format("it listens, but TLS failed: {}", failure.why);
  switch (failure.fault) {
    case Fault::kConnectRefused:
      return "it refuses connections";
    case Fault::kConnectTimeout:
      return "no answer in time";
    default:
      return "it cannot be reached";
  }
}

// Resolves and connects; ends when all is known or the time is over.
class Search {
 public:
  Search(const config::Config& config, const EndpointSearch& search)
      : options_(search), resolver_(loop_, search.resolver), deadline_(loop_, [this] { loop_.stop(); }) {
    for (const config::Upstream& upstream : config.upstreams) add(upstream);
  }

  std::vector<EndpointFacts> run() {
    resolve();
    connect();
    std::vector<EndpointFacts> facts;
    for (Attempt& attempt : attempts_) facts.push_back(std::move(attempt.facts));
    return facts;
  }

 private:
  struct Name {
    const config::Upstream& upstream;
    const config::Endpoint& endpoint;
    const config::DnsName& name;
    bool resolved = false;
    Resolver::Resolution resolution;
    std::unique_ptr<Resolver::Watch> watch;
  };
  struct Attempt {
    EndpointFacts facts;
    Address address;
    // Tried if nobody is there.
    std::optional<Address> other{};
    std::shared_ptr<TlsServer> tls{};
    SendProxyProtocol introduces = SendProxyProtocol::kOff;
    std::unique_ptr<Connector> connector{};
  };

  void add(const config::Upstream& upstream) {
    for (const config::Endpoint& endpoint : upstream.endpoints) {
      if (const auto* address = std::get_if<Address>(&endpoint.at)) {
        Attempt attempt{.facts = {.endpoint = config::endpoint_text(endpoint)}, .address = *address};
        if (endpoint.localhost) attempt.other = *Address::parse(std::format("[::1]:{}", address->port()));
        add(upstream, endpoint, std::move(attempt));
      } else {
        names_.push_back({.upstream = upstream, .endpoint = endpoint, .name = std::get<config::DnsName>(endpoint.at)});
      }
    }
  }

  // What is wrong with the files of the upstream `gatehouse check` says as well.
  void add(const config::Upstream& upstream, const config::Endpoint& endpoint, Attempt attempt) {
    attempt.facts.upstream = upstream.name;
    attempt.introduces = upstream.balancing.proxy_protocol;
    if (!endpoint.tls_host.empty()) {
      auto client = TlsClient::make(config::tls_options(upstream.tls), certificates_);
      if (client) {
        attempt.tls = std::make_shared<TlsServer>(*std::move(client), endpoint.tls_host);
      } else {
        attempt.facts.error = client.error().message;
      }
    }
    attempts_.push_back(std::move(attempt));
  }

  void wait_for(std::size_t expected) {
    awaited_ = expected;
    if (awaited_ == 0) return;
    deadline_.arm(options_.timeout);
    loop_.run();
    deadline_.disarm();
  }

  void one_done() {
    if (--awaited_ == 0) loop_.stop();
  }

  void resolve() {
    for (Name& name : names_) {
      name.watch = resolver_.watch({.name = name.name.name, .port = name.name.port},
                                   [this, &name](const Resolver::Resolution& resolution) {
                                     name.resolution = resolution;
                                     if (std::exchange(name.resolved, true)) return;
                                     one_done();
                                   });
    }
    wait_for(names_.size());
    for (Name& name : names_) {
      name.watch.reset();
      const std::string text = config::endpoint_text(name.name);
      const bool tls = !name.endpoint.tls_host.empty();
      for (const ResolvedAddress& resolved : name.resolution.addresses) {
        add(name.upstream, name.endpoint,
            {.facts = {.endpoint = (tls ? "https://" : "") + resolved.address.to_string(), .name = text},
             .address = resolved.address});
      }
      if (!name.resolution.addresses.empty()) continue;
      attempts_.push_back({.facts = {.upstream = name.upstream.name,
                                     .endpoint = text,
                                     .name = text,
                                     .error = name.resolved ? name.resolution.error : "no answer from DNS in time",
                                     .unresolved = true},
                           .address = {}});
    }
  }

  void connect() {
    std::size_t awaited = 0;
    for (Attempt& attempt : attempts_) {
      if (!attempt.facts.error.empty()) continue;
      ++awaited;
      attempt.facts.error = reason({.fault = Fault::kConnectTimeout, .error = 0});  // until it answers
      const Connector::Target target{.address = attempt.address,
                                     .other = attempt.other ? &*attempt.other : nullptr,
                                     .listening_user = std::nullopt,
                                     .tls = attempt.tls.get(),
                                     .introduction = introduction::of_ourselves(attempt.introduces)};
      attempt.connector = std::make_unique<Connector>(loop_, target, [this, &attempt](Connector::Outcome outcome) {
        attempt.facts.error = outcome ? std::string() : reason(outcome.error());
        loop_.retire(std::move(attempt.connector));
        one_done();
      });
    }
    wait_for(awaited);
    for (Attempt& attempt : attempts_) attempt.connector.reset();
  }

  const EndpointSearch& options_;
  CertificateStore certificates_;
  EventLoop loop_;
  Resolver resolver_;
  Timer deadline_;
  std::size_t awaited_ = 0;
  std::list<Name> names_;  // where they are is where answers go
  std::list<Attempt> attempts_;
};

std::string advice(const EndpointFacts& facts) {
  if (facts.unresolved) {
    const std::size_t colon = facts.endpoint.rfind(':');
    const std::string_view tool = colon == std::string::npos ? "host -t SRV" : "getent hosts";
    return std::format("`{} {}` asks again, by /etc/resolv.conf", tool, facts.endpoint.substr(0, colon));
  }
  if (facts.error.contains("TLS"))
    return "see [upstreams.NAME.tls]: ca, server_name, certificate; `openssl s_client -connect` shows what it presents";
  if (facts.error.contains("refuses")) return "start what should listen there, or change its address";
  return "check its address, routes and firewalls between";
}

}  // namespace

std::vector<EndpointFacts> look_at_endpoints(const config::Config& config, const EndpointSearch& search) {
  return Search(config, search).run();
}

Findings judge_endpoints(const std::vector<EndpointFacts>& facts) {
  Findings findings;
  for (const EndpointFacts& each : facts) {
    const std::string who =
        std::format("{} of {}{}", each.endpoint, each.upstream,
                    each.name.empty() || each.unresolved ? "" : std::format(" (for {})", each.name));
    if (each.error.empty()) {
      findings.push_back({.grade = Grade::kOk, .check = "endpoint", .message = who + " accepts connections"});
      continue;
    }
    const bool others = std::ranges::any_of(
        facts, [&](const EndpointFacts& other) { return other.upstream == each.upstream && other.error.empty(); });
    findings.push_back({.grade = others ? Grade::kWarning : Grade::kProblem,
                        .check = "endpoint",
                        .message = std::format("{}: {}; {}", who, each.error, advice(each))});
  }
  return findings;
}

}  // namespace gatehouse::doctor
