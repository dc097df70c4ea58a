#include "proxy/observe/metrics.h"

#include <algorithm>
#include <array>
#include <utility>

#include <prometheus/text_serializer.h>

#include "common/log_limit.h"
#include "common/version.h"
#include "proxy/observe/metrics_page.h"
#include "proxy/observe/process_metrics.h"

namespace gatehouse {
namespace {

constexpr double kNanoseconds = 1e9;  // to the second

double seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}
std::string string_of(std::string_view view) {
  return std::string(view);
}
std::string protocol_name(std::size_t index) {
  return string_of(label(static_cast<Protocol>(index)));
}

void add_handshakes(Family& family, const std::string& listener, const ListenerCounters& counters,
                    std::size_t protocol) {
  for (std::size_t version = 0; version < 2; ++version) {
    for (std::size_t resumed = 0; resumed < 2; ++resumed) {
      const Counter& count = counters.handshakes[version][protocol][resumed];
      if (count.value() == 0) continue;
      family.add({listener, version == 0 ? "1.2" : "1.3", protocol_name(protocol), resumed == 0 ? "false" : "true"},
                 number(count));
    }
  }
}

bool is_connected(const EndpointCounters& counters) {
  return counters.connections_idle.value() + counters.connections_active.value() +
             counters.connections_private.value() >
         0;
}

bool is_connected(const ListenerCounters& counters) {
  return std::ranges::any_of(counters.connections, [](const Counter& open) { return open.value() > 0; });
}

// What series share of which there are too many, and what has no name, is nobody's to take away.
bool is_shared(const SeriesLives::Name& name) {
  return name.first == "other" || name.first.empty();
}

}  // namespace

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  MetricsPage page;
  collect_server(page);
  collect_listeners(page);
  collect_quic(page);
  collect_requests(page);
  collect_decisions(page);
  collect_upstreams(page);
  collect_endpoints(page);
  append_control_metrics(page, control_, lives_);
  std::vector<prometheus::MetricFamily> families = page.take();
  append_process_metrics(families);
  return families;
}

std::string Metrics::page(MonotonicTime now) {
  look_around(now);
  return prometheus::TextSerializer().Serialize(Collect());
}

// What is still connected is still there: an endpoint or a listener that ends has its connections for a while.
void Metrics::look_around(MonotonicTime now) {
  std::set<SeriesLives::Name> known;
  std::set<SeriesLives::Name> live;
  for (const ControlMetrics::EndpointHealth& endpoint : control_.endpoints) {
    live.emplace(endpoint.upstream, endpoint.endpoint);
  }
  for (const std::string& listener : status_.listeners) live.emplace(listener, "");
  for (const auto* counts : {&control_.health_checks, &control_.ejections}) {
    for (const auto& [labels, count] : *counts) known.emplace(labels[0], labels[1]);
  }
  for (const auto& worker : workers_) {
    worker->endpoints_.for_each([&](const auto& labels, const EndpointCounters& counters) {
      (is_connected(counters) ? live : known).emplace(labels[0], labels[1]);
    });
    worker->upstream_requests_.for_each(
        [&](const auto& labels, const auto& /*value*/) { known.emplace(labels[0], labels[1]); });
    worker->listeners_.for_each([&](const auto& labels, const ListenerCounters& counters) {
      (is_connected(counters) ? live : known).emplace(labels[0], "");
    });
    worker->requests_.for_each([&](const auto& labels, const auto& /*value*/) { known.emplace(labels[0], ""); });
  }
  lives_.begin(now);
  for (const SeriesLives::Name& name : live) lives_.live(name);
  for (const SeriesLives::Name& name : known) {
    if (!live.contains(name) && !is_shared(name)) lives_.gone(name);
  }
}

void Metrics::collect_server(MetricsPage& page) const {
  Family build = MetricsPage::gauge("build_info", "Always 1; the version is in the label.", {"version"});
  build.add({string_of(kProgramVersion)}, 1);
  page.add(build);
  page.add(MetricsPage::gauge("draining", "1 while the server finishes what runs before it ends."),
           status_.draining ? 1 : 0);
  page.add(MetricsPage::gauge("workers_hanging", "Workers that have not come round for some seconds."),
           static_cast<double>(status_.workers_hanging));
  page.add(
      MetricsPage::gauge("config_last_reload_success", "Whether the last reload of the configuration was applied."),
      status_.last_reload_ok ? 1 : 0);
  page.add(MetricsPage::gauge("config_last_reload_timestamp_seconds", "When the configuration in force was applied."),
           seconds(status_.last_reload));

  Family expiry = MetricsPage::gauge("certificate_expiry_timestamp_seconds",
                                     "When a certificate in use ends to be valid.", {"listener", "certificate"});
  for (const ServerStatus::Certificate& certificate : status_.certificates) {
    expiry.add({certificate.listener, certificate.certificate}, seconds(certificate.expires));
  }
  page.add(expiry);
  Family renewal = MetricsPage::gauge("certificate_renewal_due_timestamp_seconds",
                                      "From when on a certificate in use should have been renewed: the last third of "
                                      "its life, the last 14 days at most.",
                                      {"listener", "certificate"});
  for (const ServerStatus::Certificate& certificate : status_.certificates) {
    renewal.add({certificate.listener, certificate.certificate}, seconds(certificate.renewal_due));
  }
  page.add(renewal);

  Family alt_svc = MetricsPage::gauge(
      "alt_svc_advertised",
      "1 while answers of the listener offer HTTP/3 (Alt-Svc), which handshakes of our own have proven; 0 where they "
      "should and do not.",
      {"listener"});
  for (const ServerStatus::AltSvc& listener : status_.alt_svc) {
    const bool advertised = listener.state && listener.state->standing() == AltSvcState::Standing::kAdvertised;
    alt_svc.add({listener.listener}, advertised ? 1 : 0);
  }
  page.add(alt_svc);

  page.add(MetricsPage::counter("access_log_lines_total", "Lines written to the access log."),
           static_cast<double>(status_.access_log_lines));
  page.add(
      MetricsPage::counter("access_log_dropped_total", "Lines lost because the access log was too slow or failed."),
      static_cast<double>(status_.access_log_dropped));
  const log::Counts lines = log::counts();
  page.add(MetricsPage::counter("log_lines_total", "Lines written to the program's log."),
           static_cast<double>(lines.written));
  page.add(MetricsPage::counter("log_dropped_total",
                                "Lines lost because the program's log was not read or written fast enough, or failed."),
           static_cast<double>(lines.dropped));
  page.add(MetricsPage::counter("log_suppressed_total",
                                "Lines not logged because too many of their kind came; the log says how many."),
           static_cast<double>(log::suppressed()));
}

void Metrics::collect_listeners(MetricsPage& page) const {
  Family open = MetricsPage::gauge("connections", "Client connections open now.", {"listener", "protocol"});
  Family total = MetricsPage::counter("connections_total", "Client connections accepted.", {"listener", "protocol"});
  Family refused = MetricsPage::counter(
      "connections_refused_total", "Connections that were not let in, or had to wait for it.", {"listener", "reason"});
  Family evicted = MetricsPage::counter("connections_evicted_total", "Connections closed to make room for others.",
                                        {"listener", "state"});
  Family cut =
      MetricsPage::counter("connections_cut_total", "Connections ended before their time for what their clients did.",
                           {"listener", "reason"});
  Family handshakes = MetricsPage::counter("tls_handshakes_total", "TLS handshakes completed, over TCP and QUIC.",
                                           {"listener", "version", "protocol", "resumed"});
  Family failures =
      MetricsPage::counter("tls_handshake_failures_total", "TLS handshakes that failed.", {"listener", "reason"});

  Family no_header = MetricsPage::counter("proxy_header_failures_total",
                                          "Connections closed because their PROXY header was missing or not valid.",
                                          {"listener", "reason"});
  for (const auto& worker : workers_) {
    worker->listeners_.for_each([&](const auto& labels, const ListenerCounters& counters) {
      const std::string& name = labels[0];
      if (!shows(name)) return;
      for (std::size_t p = 0; p < kProtocolCount; ++p) {
        if (counters.connections_total[p].value() == 0) continue;
        open.add({name, protocol_name(p)}, number(counters.connections[p]));
        total.add({name, protocol_name(p)}, number(counters.connections_total[p]));
        add_handshakes(handshakes, name, counters, p);
      }
      for (std::size_t reason = 0; reason < kHandshakeFailureCount; ++reason) {
        failures.add({name, string_of(label(static_cast<HandshakeFailure>(reason)))},
                     number(counters.handshake_failures[reason]));
      }
      for (std::size_t reason = 0; reason < kProxyHeaderFailureCount; ++reason) {
        no_header.add({name, string_of(label(static_cast<ProxyHeaderFailure>(reason)))},
                      number(counters.proxy_header_failures[reason]));
      }
      for (std::size_t abuse = 0; abuse < kAbuseCount; ++abuse) {
        cut.add({name, string_of(label(static_cast<Abuse>(abuse)))}, number(counters.cut[abuse]));
      }
      for (std::size_t reason = 0; reason < kConnectionRefusalCount; ++reason) {
        refused.add({name, string_of(label(static_cast<ConnectionRefusal>(reason)))}, number(counters.refused[reason]));
      }
      evicted.add({name, "idle"}, number(counters.evicted_idle));
      evicted.add({name, "unfinished"}, number(counters.evicted_unfinished));
    });
  }
  for (Family* family : {&open, &total, &refused, &evicted, &cut, &handshakes, &failures, &no_header})
    page.add(*family);
}

void Metrics::collect_quic(MetricsPage& page) const {
  struct Count {
    Family family;
    Counter ListenerCounters::* counter;
  };
  const auto count = [](const char* name, const char* help, Counter ListenerCounters::* counter) {
    return Count{.family = MetricsPage::counter(name, help, {"listener"}), .counter = counter};
  };
  std::array counts = {
      count("quic_datagrams_received_total", "UDP datagrams received.", &ListenerCounters::datagrams_received),
      count("quic_datagrams_sent_total", "UDP datagrams sent.", &ListenerCounters::datagrams_sent),
      count("quic_datagrams_dropped_total", "UDP datagrams thrown away.", &ListenerCounters::datagrams_dropped),
      count("quic_retries_total", "QUIC Retry packets sent.", &ListenerCounters::retries_sent),
      count("quic_stateless_resets_total", "QUIC stateless resets sent.", &ListenerCounters::stateless_resets_sent),
      count("quic_migrations_total", "QUIC clients that went on from another address.", &ListenerCounters::migrations),
  };
  for (Count& one : counts) {
    for (const auto& worker : workers_) {
      worker->listeners_.for_each([&](const auto& labels, const ListenerCounters& counters) {
        if (shows(labels[0])) one.family.add(labels, number(counters.*one.counter));
      });
    }
    page.add(one.family);
  }
}

void Metrics::collect_requests(MetricsPage& page) const {
  Family requests =
      MetricsPage::counter("requests_total", "Requests answered, or given up by their clients (code 499).",
                           {"listener", "protocol", "route", "code"});
  Family in_flight = MetricsPage::gauge("requests_in_flight", "Requests being answered now.", {"listener", "protocol"});
  HistogramFamily durations =
      MetricsPage::histogram("request_duration_seconds", "From the first byte of the request to the end of the answer.",
                             {"protocol", "route"});
  Family bytes_in = MetricsPage::counter("request_body_bytes_total", "Body bytes received from clients.", {"protocol"});
  Family bytes_out = MetricsPage::counter("response_body_bytes_total", "Body bytes sent to clients.", {"protocol"});
  Family throttled = MetricsPage::counter(
      "throttled_seconds_total", "Time that bodies of requests which have ended waited for bandwidth.", {"route"});
  Family faults =
      MetricsPage::counter("faults_total", "Exchanges that ended badly, and who is to blame.", {"fault", "blame"});

  Family tunnels = MetricsPage::gauge("tunnels", "WebSockets and other tunnels that are open.", {"protocol", "route"});
  Family tunnel_bytes = MetricsPage::counter(
      "tunnel_bytes_total", "Bytes that went from clients (in) and to them (out) through tunnels that have ended.",
      {"protocol", "direction"});

  for (const auto& worker : workers_) {
    worker->tunnels_.open.for_each(
        [&](const auto& labels, const Counter& count) { tunnels.add(labels, number(count)); });
    worker->tunnels_.bytes.for_each(
        [&](const auto& labels, const Counter& count) { tunnel_bytes.add(labels, number(count)); });
    worker->requests_.for_each([&](const auto& labels, const auto& value) {
      if (shows(labels[0])) requests.add(labels, number(value.count));
      if (value.throttled.value() > 0) throttled.add({labels[2]}, number(value.throttled) / kNanoseconds);
    });
    worker->in_flight_.for_each([&](const auto& labels, const Counter& count) {
      if (shows(labels[0])) in_flight.add(labels, number(count));
    });
    worker->durations_.for_each(
        [&](const auto& labels, const auto& series) { durations.add(labels, series.histogram); });
    for (std::size_t p = 0; p < kProtocolCount; ++p) {
      bytes_in.add({protocol_name(p)}, number(worker->of_protocol_[p].request_body_bytes));
      bytes_out.add({protocol_name(p)}, number(worker->of_protocol_[p].response_body_bytes));
    }
    for (const FaultRule& rule : fault_rules()) {
      faults.add({string_of(rule.label), string_of(label(rule.blame))},
                 number(worker->faults_[static_cast<std::size_t>(rule.fault)]));
    }
  }
  page.add(requests);
  page.add(in_flight);
  page.add(durations);
  for (Family* family : {&bytes_in, &bytes_out, &throttled, &tunnels, &tunnel_bytes, &faults}) page.add(*family);
}

void Metrics::collect_upstreams(MetricsPage& page) const {
  page.add(MetricsPage::gauge("upstream_connections_open",
                              "Connections to all endpoints now, as the budget of descriptors counts them."),
           static_cast<double>(status_.upstream_connections));
  page.add(
      MetricsPage::gauge("upstream_connections_limit", "How many of them the process's open files allow; 0: no limit."),
      static_cast<double>(status_.upstream_connections_limit));
  Family short_of_room = MetricsPage::counter(
      "upstream_short_of_room_total", "Requests that had to wait because the process may not open another connection.",
      {"upstream"});
  Family requests =
      MetricsPage::counter("upstream_requests_total", "Requests sent to endpoints, by the code they answered.",
                           {"upstream", "endpoint", "code"});
  HistogramFamily durations = MetricsPage::histogram(
      "upstream_request_duration_seconds", "From leaving the waiting line to the end of the answer.", {"upstream"});
  Family retries = MetricsPage::counter("upstream_retries_total", "Requests sent once more.", {"upstream", "reason"});
  Family denied =
      MetricsPage::counter("upstream_retries_denied_total", "Retries that their budget did not allow.", {"upstream"});
  Family repairs =
      MetricsPage::counter("upstream_repairs_total", "Answers of lenient upstreams in which something was put right.",
                           {"upstream", "repair"});
  Family panics = MetricsPage::counter("upstream_panics_total",
                                       "Requests sent to some endpoint because none of them is well.", {"upstream"});
  Family queue =
      MetricsPage::gauge("upstream_queue", "Requests that wait for a place at an endpoint now.", {"upstream"});

  for (const auto& worker : workers_) {
    worker->upstream_requests_.for_each([&](const auto& labels, const auto& value) {
      if (lives_.shown({labels[0], labels[1]})) requests.add(labels, number(value.count));
    });
    worker->upstream_durations_.for_each(
        [&](const auto& labels, const auto& series) { durations.add({labels[0]}, series.histogram); });
    worker->upstreams_.for_each([&](const auto& labels, const UpstreamCounters& counters) {
      for (std::size_t reason = 0; reason < kRetryReasonCount; ++reason) {
        retries.add({labels[0], string_of(label(static_cast<RetryReason>(reason)))}, number(counters.retries[reason]));
      }
      for (std::size_t repair = 0; repair < kRepairCount; ++repair) {
        repairs.add({labels[0], string_of(label(static_cast<Repair>(repair)))}, number(counters.repairs[repair]));
      }
      denied.add(labels, number(counters.retries_denied));
      panics.add(labels, number(counters.panics));
      short_of_room.add(labels, number(counters.short_of_room));
      queue.add(labels, number(counters.waiting));
    });
  }
  page.add(requests);
  page.add(durations);
  for (Family* family : {&retries, &denied, &repairs, &panics, &short_of_room, &queue}) page.add(*family);
}

void Metrics::collect_endpoints(MetricsPage& page) const {
  Family connections =
      MetricsPage::gauge("upstream_connections", "Connections to endpoints now.", {"upstream", "endpoint", "state"});
  Family connects = MetricsPage::counter("upstream_connects_total", "Attempts to connect to endpoints.",
                                         {"upstream", "endpoint", "result"});
  Family extra_bytes = MetricsPage::counter("upstream_extra_bytes_total",
                                            "Connections closed because their endpoint sent more than its answers.",
                                            {"upstream", "endpoint"});
  Family not_kept = MetricsPage::counter("upstream_connections_not_kept_total",
                                         "Connections fit for another request that were closed all the same.",
                                         {"upstream", "endpoint", "reason"});
  for (const auto& worker : workers_) {
    worker->endpoints_.for_each([&](const auto& labels, const EndpointCounters& counters) {
      if (!lives_.shown({labels[0], labels[1]})) return;
      const auto add = [&labels](Family& family, const char* label, const Counter& count) {
        family.add({labels[0], labels[1], label}, number(count));
      };
      add(connections, "idle", counters.connections_idle);
      add(connections, "active", counters.connections_active);
      add(connections, "private", counters.connections_private);
      add(connects, "ok", counters.connects_ok);
      add(connects, "refused", counters.connects_refused);
      add(connects, "failed", counters.connects_failed);
      add(connects, "timeout", counters.connects_timeout);
      add(connects, "foreign_listener", counters.connects_foreign);
      add(connects, "tls", counters.connects_tls);
      extra_bytes.add(labels, number(counters.extra_bytes));
      add(connects, "out_of_resources", counters.connects_out_of_resources);
      add(not_kept, "private", counters.closed_private);
      add(not_kept, "for_room", counters.closed_for_room);
    });
  }
  for (Family* family : {&connections, &connects, &extra_bytes, &not_kept}) page.add(*family);
}

}  // namespace gatehouse
