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
  requests.durations->observe(took);

  const auto index = static_cast<std::size_t>(exchange.client().protocol);
  request_body_bytes_[index].add(exchange.bytes_in());
  response_body_bytes_[index].add(exchange.bytes_out());
  if (record.fault) faults_[static_cast<std::size_t>(*record.fault)].add();
  if (!record.upstream.empty()) count_upstream(record, took);
}

void WorkerMetrics::count_upstream(const ExchangeRecord& record, Duration took) {
  if (record.attempts == 0) return;  // it never left the waiting line
  // A page of our own that stands for the endpoint's answer is no code of the endpoint.
  const bool ours = record.fault && record.status == rule(*record.fault).status;
  const bool responded = record.first_byte && !ours;
  const CodeLabel code(responded ? record.status : 0);
  UpstreamRequests& requests =
      upstream_requests_.at({record.upstream, record.endpoint, responded ? code.text() : "none"});
  if (requests.durations == nullptr) requests.durations = &upstream_durations_.at({record.upstream});
  requests.count.add();
  requests.durations->observe(took - record.queued.value_or(Duration::zero()));
}

}  // namespace gatehouse
