#include "proxy/runtime/worker.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

#include "common/address_cover.h"
#include "proxy/forward/routing.h"

namespace gatehouse {
namespace {

// How often a worker looks whether listeners that end have become empty.
constexpr std::chrono::milliseconds kEndingCheck{20};
constexpr std::chrono::milliseconds kLastWords{200};
// How long a client may be half way to a socket that is to be closed: its handshake takes a round trip.
constexpr std::chrono::seconds kHalfWay{1};

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
      exchanges_{.loop = loop,
                 .observer = observer_,
                 .make_responder =
                     [this, hints = std::make_unique<EarlyHints>()](Exchange& exchange) {
                       return make_responder(
                           exchange, {.configured = snapshot_->routes, .registered = snapshot_->registered.get()},
                           pools_, *hints);
                     }},
      ending_check_(loop, [this] { look_after_ending(); }) {}

void Worker::adopt(std::shared_ptr<const Snapshot> snapshot, std::vector<WorkerSocket> sockets) {
  snapshot_ = std::move(snapshot);
  access_log_.use(snapshot_->access_log, snapshot_->redaction);
  adopt_upstreams();
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

void Worker::adopt_registered(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  adopt_upstreams();
}

void Worker::adopt_upstreams() {
  if (!snapshot_->registered) return pools_.adopt(snapshot_->upstreams);
  std::vector<std::shared_ptr<const Upstream>> all = snapshot_->upstreams;
  for (const RegisteredRoutes::Entry& entry : snapshot_->registered->entries()) {
    all.push_back(std::get<ForwardTo>(entry->route.action).upstream);
  }
  pools_.adopt(all);
}

void Worker::add_listener(const ListenerSnapshot& listener, WorkerSocket socket) {
  // A listener that went and comes back while its former self still drains: two QUIC sockets would share the packets.
  if (socket.group) {
    for (const Ending& ending : ending_) {
      if (ending.listener->is(listener.name, true)) ending.listener->close_now();
    }
  }
  const WorkerListener::Dependencies dependencies{
      .loop = loop_,
      .exchanges = exchanges_,
      .counters = dependencies_.metrics.listener(listener.name),
      .secrets = dependencies_.secrets,
      .worker = dependencies_.index,
      .pass_on = [this](const WorkerListener& from, const UdpDatagram& datagram) { return pass_on(from, datagram); }};
  listeners_.push_back(std::make_unique<WorkerListener>(dependencies, listener, std::move(socket)));
}

void Worker::retire_unwanted() {
  const auto unwanted = std::stable_partition(listeners_.begin(), listeners_.end(),
                                              [this](const auto& held) { return held->wanted_by(*snapshot_); });
  std::vector<std::unique_ptr<WorkerListener>> leaving(std::make_move_iterator(unwanted),
                                                       std::make_move_iterator(listeners_.end()));
  listeners_.erase(unwanted, listeners_.end());
  for (auto& listener : leaving) retire(std::move(listener));
  if (!ending_.empty()) ending_check_.arm(kEndingCheck);
}

void Worker::retire(std::unique_ptr<WorkerListener> listener) {
  Ending ending{.listener = std::move(listener), .deadline = loop_.now() + snapshot_->drain_timeout};
  WorkerListener& former = *ending.listener;
  const auto takes_its_place = [&former](const ListenerSnapshot& other) {
    const Address& address = other.policy->address;
    return other.uses_tcp() && (covers(address, former.address()) || covers(former.address(), address));
  };
  const auto heir = std::ranges::find_if(snapshot_->listeners, takes_its_place);
  if (former.is_quic() || heir == snapshot_->listeners.end()) {
    former.drain();
  } else if (covers(heir->policy->address, former.address())) {
    add_listener(*heir, {.listener = heir->name, .socket = former.release_socket(), .group = nullptr});
    former.drain();
  } else {
    former.give_way();
    ending.accepts_until = loop_.now() + kHalfWay;
    ending.deadline = std::max(ending.deadline, *ending.accepts_until);
  }
  ending_.push_back(std::move(ending));
}

bool Worker::pass_on(const WorkerListener& from, const UdpDatagram& datagram) {
  if (ending_.empty()) return false;
  const auto neighbour = [&from](const WorkerListener& other) {
    return &other != &from && other.is_quic() && other.address().port() == from.address().port();
  };
  for (const auto& other : listeners_) {
    if (neighbour(*other) && other->receive_if_known(datagram)) return true;
  }
  for (const Ending& other : ending_) {
    if (neighbour(*other.listener) && other.listener->receive_if_known(datagram)) return true;
  }
  if (!from.draining()) return false;
  const auto heir = std::ranges::find_if(
      listeners_, [&](const auto& other) { return neighbour(*other) && covers(other->address(), from.address()); });
  if (heir == listeners_.end()) return false;
  (*heir)->receive_unknown(datagram);
  return true;
}

void Worker::drain(std::move_only_function<void()> drained) {
  drained_ = std::move(drained);
  for (const Ending& ending : ending_) ending.listener->stop_accepting();
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
  for (Ending& ending : ending_) ending.deadline = loop_.now();
  if (!ending_.empty()) ending_check_.arm(Duration::zero());
}

void Worker::close_overdue(Ending& ending) {
  const auto is_of_it = [&ending](const Exchange& exchange) {
    return exchange.client().listener && ending.listener->has_name(exchange.client().listener->name);
  };
  if (!std::exchange(ending.tunnels_left, true) && exchanges_.tunnels.leave(is_of_it) > 0) {
    ending.deadline = loop_.now() + kLastWords;
  } else {
    ending.listener->close_now();
  }
}

void Worker::look_after_ending() {
  const MonotonicTime now = loop_.now();
  for (Ending& ending : ending_) {
    if (ending.accepts_until && now >= *ending.accepts_until) ending.listener->stop_accepting();
    if (now >= ending.deadline && !ending.listener->empty()) close_overdue(ending);
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
