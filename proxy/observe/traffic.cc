#include "proxy/observe/traffic.h"

#include <algorithm>
#include <string_view>

namespace gatehouse {
namespace {

constexpr auto kH1 = static_cast<std::size_t>(Protocol::kH1);

std::optional<std::size_t> protocol_index(std::string_view name) {
  for (std::size_t i = 0; i < kProtocolCount; ++i) {
    if (label(static_cast<Protocol>(i)) == name) return std::max(i, kH1);  // HTTP/1.0 is told as h1
  }
  return std::nullopt;
}

bool is_error(std::string_view code) {
  return code.starts_with('5');
}

FineDurations::Counts difference(const FineDurations::Counts& now, const FineDurations::Counts& before) {
  FineDurations::Counts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = now[i] - before[i];
  return counts;
}

void add(Traffic::Totals& to, const Traffic::Totals& more) {
  to.requests += more.requests;
  to.errors += more.errors;
  to.in_flight += more.in_flight;
  to.tunnels += more.tunnels;
  for (std::size_t i = 0; i < to.durations.size(); ++i) to.durations[i] += more.durations[i];
}

}  // namespace

Traffic::Sample Traffic::read(const Workers& workers, MonotonicTime now) {
  Sample sample{.time = now};
  for (const auto& worker : workers) {
    worker->requests_.for_each([&sample](const auto& labels, const auto& series) {
      const auto index = protocol_index(labels[1]);
      if (!index) return;
      const std::uint64_t count = series.count.value();
      sample.of[*index].requests += count;
      if (is_error(labels[3])) sample.of[*index].errors += count;
    });
    worker->in_flight_.for_each([&sample](const auto& labels, const Counter& count) {
      if (const auto index = protocol_index(labels[1])) sample.of[*index].in_flight += count.value();
    });
    worker->listeners_.for_each([&sample](const auto& labels, const ListenerCounters& counters) {
      Refusals& refused = sample.refused[labels[0]];
      for (std::size_t reason = 0; reason < refused.size(); ++reason) {
        refused[reason] += counters.refused[reason].value();
      }
    });
    worker->tunnels_.open.for_each([&sample](const auto& labels, const Counter& count) {
      if (const auto index = protocol_index(labels[0])) sample.of[*index].tunnels += count.value();
    });
    worker->durations_.for_each([&sample](const auto& labels, const auto& durations) {
      if (const auto index = protocol_index(labels[0])) durations.fine.add_to(sample.of[*index].durations);
    });
  }
  return sample;
}

Traffic::Totals Traffic::sum(const Sample& sample, std::optional<Protocol> protocol) {
  if (protocol) return sample.of[static_cast<std::size_t>(*protocol)];
  Totals totals;
  for (const Totals& one : sample.of) add(totals, one);
  return totals;
}

void Traffic::sample(const Workers& workers, MonotonicTime now) {
  samples_.push_back(read(workers, now));
  // The oldest that is left is the last one that is as old as the window.
  while (samples_.size() > 2 && now - samples_[1].time >= kWindow) samples_.pop_front();
  if (samples_.size() == 1) return;
  const Totals last = sum(samples_.back(), std::nullopt);
  const Totals before = sum(samples_[samples_.size() - 2], std::nullopt);
  const Totals first = sum(samples_.front(), std::nullopt);
  history_.push_back({.requests = last.requests - before.requests,
                      .errors = last.errors - before.errors,
                      .p99_ms = quantile(difference(last.durations, first.durations), 0.99)});
  if (history_.size() > kHistory) history_.pop_front();
}

Traffic::Figures Traffic::figures(std::optional<Protocol> protocol) const {
  Figures figures;
  if (samples_.empty()) return figures;
  figures.totals = sum(samples_.back(), protocol);
  const double seconds = std::chrono::duration<double>(samples_.back().time - samples_.front().time).count();
  if (seconds <= 0) return figures;
  const Totals before = sum(samples_.front(), protocol);
  figures.requests_per_second = static_cast<double>(figures.totals.requests - before.requests) / seconds;
  figures.errors_per_second = static_cast<double>(figures.totals.errors - before.errors) / seconds;
  const FineDurations::Counts counts = difference(figures.totals.durations, before.durations);
  figures.p50_ms = quantile(counts, 0.5);
  figures.p99_ms = quantile(counts, 0.99);
  return figures;
}

Traffic::Refusals Traffic::refusals(const std::string& listener) const {
  Refusals refusals{};
  if (samples_.empty()) return refusals;
  const auto now = samples_.back().refused.find(listener);
  const auto before = samples_.front().refused.find(listener);
  if (now == samples_.back().refused.end() || before == samples_.front().refused.end()) return refusals;
  for (std::size_t i = 0; i < refusals.size(); ++i) refusals[i] = now->second[i] - before->second[i];
  return refusals;
}

std::optional<double> Traffic::quantile(const FineDurations::Counts& counts, double share) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : counts) all += count;
  if (all < kFewest) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  double below = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    last = i;
    if (below + static_cast<double>(counts[i]) >= wanted) break;
    below += static_cast<double>(counts[i]);
  }
  const auto lower = static_cast<double>(FineDurations::lower_bound(last));
  const auto upper = static_cast<double>(FineDurations::lower_bound(last + 1));
  constexpr double kMicroseconds = 1000;  // of a millisecond
  return (lower + (upper - lower) * (wanted - below) / static_cast<double>(counts[last])) / kMicroseconds;
}

std::map<std::string, Traffic::Count> Traffic::by_route(const Workers& workers) {
  std::map<std::string, Count> routes;
  for (const auto& worker : workers) {
    worker->requests_.for_each([&routes](const auto& labels, const auto& series) {
      Count& route = routes[labels[2]];
      route.requests += series.count.value();
      if (is_error(labels[3])) route.errors += series.count.value();
    });
    worker->decisions_.cache_uses.for_each([&routes](const auto& labels, const auto& use) {
      Count& route = routes[labels[0]];
      for (const Counter& count : use.results) route.cache_requests += count.value();
      for (const CacheResult hit : {CacheResult::kHit, CacheResult::kStale}) {
        route.cache_hits += use.results[static_cast<std::size_t>(hit)].value();
      }
    });
  }
  return routes;
}

std::map<Traffic::EndpointName, Traffic::Connections> Traffic::by_endpoint(const Workers& workers) {
  std::map<EndpointName, Connections> endpoints;
  for (const auto& worker : workers) {
    worker->endpoints_.for_each([&endpoints](const auto& labels, const EndpointCounters& counters) {
      Connections& endpoint = endpoints[{labels[0], labels[1]}];
      endpoint.idle += counters.connections_idle.value() + counters.connections_private.value();
      endpoint.active += counters.connections_active.value();
      endpoint.ok += counters.connects_ok.value();
      endpoint.refused += counters.connects_refused.value();
      endpoint.failed +=
          counters.connects_failed.value() + counters.connects_foreign.value() + counters.connects_tls.value();
      endpoint.timeout += counters.connects_timeout.value();
      endpoint.out_of_resources += counters.connects_out_of_resources.value();
    });
  }
  return endpoints;
}

}  // namespace gatehouse
