#include "proxy/observe/worker_metrics.h"

#include <charconv>

namespace gatehouse {
namespace {

// A status as a label: its three digits, so that a hostile endpoint cannot make up labels.
class CodeLabel {
 public:
  explicit CodeLabel(std::uint16_t status) {
    if (status < 100 || status > 599) return;
    std::to_chars(digits_, digits_ + sizeof digits_, status);
    text_ = {digits_, sizeof digits_};
  }
  std::string_view text() const { return text_; }

 private:
  char digits_[3] = {};
  std::string_view text_ = "unknown";
};

std::string_view listener_name(const Exchange& exchange) {
  return exchange.client().listener ? std::string_view(exchange.client().listener->name) : std::string_view();
}

}  // namespace

void WorkerMetrics::exchange_began(const Exchange& exchange) {
  in_flight_.at({listener_name(exchange), label(exchange.client().protocol)}).add();
}

void WorkerMetrics::exchange_ended(const Exchange& exchange, Duration took) {
  const ExchangeRecord& record = exchange.record();
  const std::string_view listener = listener_name(exchange);
  const std::string_view protocol = label(exchange.client().protocol);
  in_flight_.at({listener, protocol}).subtract();

  const CodeLabel code(record.status);
  Requests& requests = requests_.at({listener, protocol, record.route, code.text()});
  if (requests.durations == nullptr) requests.durations = &durations_.at({protocol, record.route});
  requests.count.add();
  if (record.throttled > Duration::zero()) requests.throttled.add(static_cast<std::uint64_t>(record.throttled.count()));
  OfProtocol& of_protocol = of_protocol_[static_cast<std::size_t>(exchange.client().protocol)];
  if (exchange.in_tunnel()) {
    took = record.first_byte.value_or(took);  // until it was opened
    tunnel_closed(exchange);
  } else {
    of_protocol.request_body_bytes.add(exchange.bytes_in());
    of_protocol.response_body_bytes.add(exchange.bytes_out());
  }
  requests.durations->observe(took);
  if (record.cache != CacheResult::kNone) {
    decisions_.cache_uses.at({record.route}).results[static_cast<std::size_t>(record.cache)].add();
  }
  if (record.fault) faults_[static_cast<std::size_t>(*record.fault)].add();
  if (!record.delegations.empty()) [[unlikely]] {
    took -= count_delegations(record);
  }
  if (!record.auth.outcome.empty()) [[unlikely]] {
    decisions_.sign_ins.at({record.route, record.auth.scheme, record.auth.outcome}).add();
  }
  if (!record.upstream.empty()) count_upstream(record, took);
}

void WorkerMetrics::tunnel_opened(const Exchange& exchange) {
  tunnels_.open.at({label(exchange.client().protocol), exchange.record().route}).add();
}

void WorkerMetrics::tunnel_closed(const Exchange& exchange) {
  const std::string_view protocol = label(exchange.client().protocol);
  tunnels_.open.at({protocol, exchange.record().route}).subtract();
  tunnels_.bytes.at({protocol, "in"}).add(exchange.bytes_in());
  tunnels_.bytes.at({protocol, "out"}).add(exchange.bytes_out());
}

void WorkerMetrics::count_upstream(const ExchangeRecord& record, Duration took) {
  if (record.endpoint.empty()) return;  // it never left the waiting line
  // A page of our own that stands for the endpoint's answer is no code of the endpoint.
  const bool ours = record.fault && record.status == rule(*record.fault).status;
  const bool responded = record.first_byte && !ours;
  const CodeLabel code(responded ? record.status : 0);
  count_request(record.upstream, record.endpoint, responded ? code.text() : "none",
                took - record.queued.value_or(Duration::zero()));
}

void WorkerMetrics::count_request(std::string_view upstream, std::string_view endpoint, std::string_view code,
                                  Duration took) {
  UpstreamRequests& requests = upstream_requests_.at({upstream, endpoint, code});
  if (requests.durations == nullptr) requests.durations = &upstream_durations_.at({upstream, endpoint});
  requests.count.add();
  requests.durations->observe(took);
}

Duration WorkerMetrics::count_delegations(const ExchangeRecord& record) {
  Duration all{};
  for (const Delegation& each : record.delegations) {
    decisions_.delegations.at({each.upstream, each.target, label(each.result)}).add();
    if (each.result != Delegation::Result::kHandedOver) continue;  // it counts as the last one
    count_request(each.upstream, each.endpoint, CodeLabel(each.status).text(), each.took);
    all += each.took;
  }
  return all;
}

}  // namespace gatehouse
