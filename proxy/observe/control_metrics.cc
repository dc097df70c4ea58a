#include "proxy/observe/control_metrics.h"

#include <algorithm>
#include <iterator>

#include "proxy/observe/metrics_page.h"
#include "proxy/observe/series_lives.h"

namespace gatehouse {
namespace {

void add_counts(MetricsPage& page, Family family, const std::map<ControlMetrics::Labels, std::uint64_t>& counts) {
  for (const auto& [labels, count] : counts) family.add(labels, static_cast<double>(count));
  page.add(family);
}

void append_endpoints(MetricsPage& page, const ControlMetrics& metrics, const SeriesLives& lives) {
  // The first two labels are upstream and endpoint.
  const auto shown = [&lives](const std::map<ControlMetrics::Labels, std::uint64_t>& counts) {
    std::map<ControlMetrics::Labels, std::uint64_t> left;
    std::ranges::copy_if(counts, std::inserter(left, left.end()),
                         [&](const auto& entry) { return lives.shown({entry.first[0], entry.first[1]}); });
    return left;
  };
  Family healthy =
      MetricsPage::gauge("endpoint_healthy", "1 while balancers may choose the endpoint.", {"upstream", "endpoint"});
  for (const ControlMetrics::EndpointHealth& endpoint : metrics.endpoints) {
    healthy.add({endpoint.upstream, endpoint.endpoint}, endpoint.healthy ? 1 : 0);
  }
  page.add(healthy);
  add_counts(page,
             MetricsPage::counter("health_checks_total", "Active checks of endpoints, by their result.",
                                  {"upstream", "endpoint", "result"}),
             shown(metrics.health_checks));
  add_counts(page,
             MetricsPage::counter("endpoint_ejections_total",
                                  "How often an endpoint was taken out for failed requests.", {"upstream", "endpoint"}),
             shown(metrics.ejections));
}

void append_apps(MetricsPage& page, const ControlMetrics& metrics) {
  Family instances = MetricsPage::gauge("app_instances", "Processes of an app now, by what they do.", {"app", "state"});
  for (const ControlMetrics::Instances& entry : metrics.instances) {
    instances.add({entry.app, entry.state}, static_cast<double>(entry.count));
  }
  page.add(instances);
  add_counts(
      page, MetricsPage::counter("app_starts_total", "Attempts to start a process: ok, or why not.", {"app", "reason"}),
      metrics.app_starts);
  add_counts(page, MetricsPage::counter("app_exits_total", "Processes that have ended, and how.", {"app", "reason"}),
             metrics.app_exits);
  add_counts(page,
             MetricsPage::counter("app_hooks_total", "Hooks of an app that were run or dropped, by what had happened.",
                                  {"app", "event", "result"}),
             metrics.app_hooks);
  HistogramFamily times =
      MetricsPage::histogram("app_start_duration_seconds", "From the start of a process to ready.", {"app"});
  for (const auto& [app, histogram] : metrics.app_start_times) times.add({app}, histogram);
  page.add(times);
  Family memory =
      MetricsPage::gauge("app_resident_bytes", "Resident memory of an instance and its children.", {"app", "instance"});
  for (const ControlMetrics::Memory& entry : metrics.memory) {
    memory.add({entry.app, entry.instance}, static_cast<double>(entry.bytes));
  }
  page.add(memory);
  Family parked =
      MetricsPage::gauge("app_parked", "1 while an app that fails again and again is not started.", {"app"});
  Family failed = MetricsPage::gauge(
      "app_recycle_failed", "1 while the newest generation did not get ready and the former serves on.", {"app"});
  for (const ControlMetrics::App& app : metrics.apps) {
    parked.add({app.app}, app.parked ? 1 : 0);
    failed.add({app.app}, app.recycle_failed ? 1 : 0);
  }
  page.add(parked);
  page.add(failed);
}

void append_registrations(MetricsPage& page, const ControlMetrics& metrics) {
  Family held = MetricsPage::gauge("registrations", "Prefixes that processes have registered now.", {"reservation"});
  for (const auto& [reservation, count] : metrics.registrations) held.add({reservation}, static_cast<double>(count));
  page.add(held);
  add_counts(
      page,
      MetricsPage::counter("registration_events_total", "What has become of registrations.", {"reservation", "event"}),
      metrics.registration_events);
}

}  // namespace

void append_control_metrics(MetricsPage& page, const ControlMetrics& metrics, const SeriesLives& lives) {
  append_endpoints(page, metrics, lives);
  append_apps(page, metrics);
  append_registrations(page, metrics);
}

}  // namespace gatehouse
