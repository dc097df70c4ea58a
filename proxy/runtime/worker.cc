#include "proxy/runtime/worker.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "proxy/forward/routing.h"

namespace gatehouse {
namespace {

// How often a worker looks whether listeners that end have become empty.
constexpr std::chrono::milliseconds kEndingCheck{20};

}  // namespace

Worker::Worker(EventLoop& loop, const Dependencies& dependencies)
    : loop_(loop),
      dependencies_(dependencies),
      access_log_(loop, dependencies.access_log),
      faults_(loop, dependencies.faults),
      observer_(dependencies.metrics, access_log_, faults_),
      pools_(loop,
             {.endpoint = [this](const Endpoint& endpoint) -> EndpointCounters& {
                return dependencies_.metrics.endpoint(endpoint.upstream(), endpoint.name());
              },
              .upstream = [this](std::string_view upstream) -> UpstreamCounters& {
                return dependencies_.metrics.upstream(upstream);
              }},
             dependencies.descriptors),
      exchanges_{
          .loop = loop,
          .observer = observer_,
          .make_responder = [this](Exchange& exchange) { return make_responder(exchange, snapshot_->routes, pools_); }},
      ending_check_(loop, [this] { look_after_ending(); }) {}

void Worker::adopt(std::shared_ptr<const Snapshot> snapshot, std::vector<WorkerSocket> sockets) {
  snapshot_ = std::move(snapshot);
  access_log_.use(snapshot_->access_log, snapshot_->redaction);
  pools_.adopt(snapshot_->upstreams);
  for (const ListenerSnapshot& listener : snapshot_->listeners) {
    for (const auto& held : listeners_) {
      if (held->is(listener.name, false) || held->is(listener.name, true)) held->adopt(listener);
    }
    for (WorkerSocket& socket : sockets) {
      if (socket.listener == listener.name) add_listener(listener, std::move(socket));
    }
  }
  retire_unwanted();
}

void Worker::add_listener(const ListenerSnapshot& listener, WorkerSocket socket) {
  // A listener that went and comes back while its former self still drains: two QUIC sockets would share the packets.
  if (socket.group) {
    for (const Ending& ending : ending_) {
      if (ending.listener->is(listener.name, true)) ending.listener->close_now();
    }
  }
  const WorkerListener::Dependencies dependencies{.loop = loop_,
                                                  .exchanges = exchanges_,
                                                  .counters = dependencies_.metrics.listener(listener.name),
                                                  .secrets = dependencies_.secrets,
                                                  .worker = dependencies_.index};
  listeners_.push_back(std::make_unique<WorkerListener>(dependencies, listener, std::move(socket)));
}

void Worker::retire_unwanted() {
  const auto unwanted = std::stable_partition(listeners_.begin(), listeners_.end(),
                                              [this](const auto& held) { return held->wanted_by(*snapshot_); });
  for (auto it = unwanted; it != listeners_.end(); ++it) {
    ending_.push_back({.listener = std::move(*it), .deadline = loop_.now() + snapshot_->drain_timeout});
    ending_.back().listener->drain();
  }
  listeners_.erase(unwanted, listeners_.end());
  if (!ending_.empty()) ending_check_.arm(kEndingCheck);
}

void Worker::drain(std::move_only_function<void()> drained) {
  drained_ = std::move(drained);
  for (auto& listener : listeners_) {
    // The deadline of a server that ends is the server's.
    ending_.push_back({.listener = std::move(listener), .deadline = MonotonicTime::max()});
    ending_.back().listener->drain();
  }
  listeners_.clear();
  pools_.close_idle();
  ending_check_.arm(Duration::zero());
}

void Worker::close_now() {
  for (const Ending& ending : ending_) ending.listener->close_now();
  if (!ending_.empty()) ending_check_.arm(Duration::zero());
}

void Worker::look_after_ending() {
  const MonotonicTime now = loop_.now();
  for (const Ending& ending : ending_) {
    if (now >= ending.deadline && !ending.listener->empty()) ending.listener->close_now();
  }
  const auto ended = std::stable_partition(ending_.begin(), ending_.end(),
                                           [](const Ending& ending) { return !ending.listener->empty(); });
  // Connections that left in this turn refer to their listener; they are destroyed at its end, before what is retired
  // now.
  for (auto it = ended; it != ending_.end(); ++it) loop_.retire(std::move(it->listener));
  ending_.erase(ended, ending_.end());
  if (!ending_.empty()) return ending_check_.arm(kEndingCheck);
  if (!drained_) return;
  access_log_.hand_over();
  std::exchange(drained_, nullptr)();
}

}  // namespace gatehouse
