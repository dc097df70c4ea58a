// The part of Metrics that is about what was decided for requests besides forwarding them: who they are, whom they were
// handed to, and whether a stored response answered.
#include "proxy/observe/metrics.h"
#include "proxy/observe/metrics_page.h"

namespace gatehouse {

void Metrics::collect_decisions(MetricsPage& page) const {
  Family sign_ins = MetricsPage::counter("auth_total", "Requests of routes with auth, by what came of their sign-in.",
                                         {"route", "scheme", "outcome"});
  Family delegations = MetricsPage::counter(
      "delegations_total", "Answers by which an endpoint handed its request to another upstream, or wanted to.",
      {"upstream", "target", "result"});
  Family cache_uses = MetricsPage::counter(
      "cache_requests_total", "Requests on routes with a cache, by what it did for them.", {"route", "result"});
  for (const auto& worker : workers_) {
    const WorkerMetrics::Decisions& decisions = worker->decisions_;
    decisions.sign_ins.for_each([&](const auto& labels, const Counter& count) { sign_ins.add(labels, number(count)); });
    decisions.delegations.for_each(
        [&](const auto& labels, const Counter& count) { delegations.add(labels, number(count)); });
    decisions.cache_uses.for_each([&](const auto& labels, const auto& use) {
      for (std::size_t result = 1; result < kCacheResults; ++result) {
        cache_uses.add({labels[0], std::string(label(static_cast<CacheResult>(result)))}, number(use.results[result]));
      }
    });
  }
  for (Family* family : {&sign_ins, &delegations, &cache_uses}) page.add(*family);
  page.add(MetricsPage::gauge("cache_bytes", "What the stored responses take of the memory."),
           static_cast<double>(status_.cache_bytes));
  page.add(MetricsPage::gauge("cache_bytes_limit", "The memory that they may take."),
           static_cast<double>(status_.cache_bytes_limit));
  page.add(MetricsPage::gauge("cache_entries", "How many there are."), static_cast<double>(status_.cache_entries));
  page.add(MetricsPage::counter("cache_evictions_total", "Responses that gave way to others."),
           static_cast<double>(status_.cache_evictions));
}

}  // namespace gatehouse
