// What is told of every exchange of one worker, once when it begins and once when it ends: counts it, writes its
// line, and remembers it where it ended badly. Owned by the worker, outlives its exchanges; one loop's thread.
//
//   Exchange --on_begin, on_end--> WorkerObserver --> WorkerMetrics, AccessLogBuffer, FaultBuffer (if it has a fault)
#pragma once

#include "common/event_loop.h"
#include "proxy/http/exchange/exchange.h"
#include "proxy/observe/access_log_buffer.h"
#include "proxy/observe/fault_buffer.h"
#include "proxy/observe/worker_metrics.h"

namespace gatehouse {

class WorkerObserver final : public ExchangeObserver {
 public:
  // All three outlive it, and are touched on the worker's thread alone.
  WorkerObserver(WorkerMetrics& metrics, AccessLogBuffer& access_log, FaultBuffer& faults)
      : metrics_(metrics), access_log_(access_log), faults_(faults) {}

  // Counts the exchange as in flight.
  void on_begin(const Exchange& exchange) override { metrics_.exchange_began(exchange); }
  void on_tunnel(const Exchange& exchange) override { metrics_.tunnel_opened(exchange); }
  // The one place where an exchange leaves its traces: counts, then its line, then its fault. The exchange is still
  // whole, and is destroyed right afterwards.
  void on_end(const Exchange& exchange) override {
    metrics_.exchange_ended(exchange, exchange.loop().now() - exchange.record().started);
    access_log_.write(exchange);
    if (exchange.record().fault) faults_.note(exchange);
  }

 private:
  WorkerMetrics& metrics_;
  AccessLogBuffer& access_log_;
  FaultBuffer& faults_;
};

}  // namespace gatehouse
