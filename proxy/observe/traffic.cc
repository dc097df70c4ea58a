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

Traffic::Buckets difference(const Traffic::Buckets& now, const Traffic::Buckets& before) {
  Traffic::Buckets counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = now[i] - before[i];
  return counts;
}

void add(Traffic::Totals& to, const Traffic::Totals& more) {
  to.requests += more.requests;
  to.errors += more.errors;
  to.in_flight += more.in_flight;
  for (std::size_t i = 0; i < to.buckets.size(); ++i) to.buckets[i] += more.buckets[i];
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
    worker->durations_.for_each([&sample](const auto& labels, const DurationHistogram& histogram) {
      const auto index = protocol_index(labels[0]);
      if (!index) return;
      Buckets& buckets = sample.of[*index].buckets;
      for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += histogram.count(i);
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
  if (samples_.size() > 1) {
    const Totals last = sum(samples_.back(), std::nullopt);
    const Totals before = sum(samples_[samples_.size() - 2], std::nullopt);
    history_.push_back({.requests = last.requests - before.requests,
                        .errors = last.errors - before.errors,
                        .p99_ms = quantile(difference(last.buckets, before.buckets), 0.99)});
    if (history_.size() > kHistory) history_.pop_front();
  }
  // The oldest that is left is the last one that is as old as the window.
  while (samples_.size() > 2 && now - samples_[1].time >= kWindow) samples_.pop_front();
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
  const Buckets counts = difference(figures.totals.buckets, before.buckets);
  figures.p50_ms = quantile(counts, 0.5);
  figures.p99_ms = quantile(counts, 0.99);
  return figures;
}

std::optional<double> Traffic::quantile(const Buckets& counts, double share) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : counts) all += count;
  if (all == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(all);
  const auto bound = [](std::size_t i) { return static_cast<double>(DurationHistogram::kBounds[i]) / 1000; };
  double below = 0;
  for (std::size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= wanted) {
      const double lower = i == 0 ? 0 : bound(i - 1);
      return lower + (bound(i) - lower) * (wanted - below) / here;
    }
    below += here;
  }
  return bound(DurationHistogram::kBounds.size() - 1);  // at least that long
}

std::map<std::string, Traffic::Count> Traffic::by_route(const Workers& workers) {
  std::map<std::string, Count> routes;
  for (const auto& worker : workers) {
    worker->requests_.for_each([&routes](const auto& labels, const auto& series) {
      Count& route = routes[labels[2]];
      route.requests += series.count.value();
      if (is_error(labels[3])) route.errors += series.count.value();
    });
  }
  return routes;
}

std::map<Traffic::EndpointName, Traffic::Connections> Traffic::by_endpoint(const Workers& workers) {
  std::map<EndpointName, Connections> endpoints;
  for (const auto& worker : workers) {
    worker->endpoints_.for_each([&endpoints](const auto& labels, const EndpointCounters& counters) {
      Connections& endpoint = endpoints[{labels[0], labels[1]}];
      endpoint.idle += counters.connections_idle.value();
      endpoint.active += counters.connections_active.value();
      endpoint.ok += counters.connects_ok.value();
      endpoint.refused += counters.connects_refused.value();
      endpoint.failed += counters.connects_failed.value() + counters.connects_foreign.value();
      endpoint.timeout += counters.connects_timeout.value();
      endpoint.out_of_resources += counters.connects_out_of_resources.value();
    });
  }
  return endpoints;
}

}  // namespace gatehouse
