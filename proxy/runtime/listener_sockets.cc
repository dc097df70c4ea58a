#include "proxy/runtime/listener_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/address_cover.h"
#include "common/log.h"
#include "common/sockets.h"

namespace gatehouse {
namespace {

using Leaving = std::vector<const BoundListener*>;

// A listener that goes has sockets of just this address, which it got from another one: the workers hand them on.
bool is_handed_on(const Address& address, const Leaving& leaving) {
  return std::ranges::any_of(
      leaving, [&](const BoundListener* former) { return std::ranges::contains(former->inherited, address); });
}

// A listener that goes stands where this one will: that the port is ours is known.
bool is_contested(const Address& address, const Leaving& leaving) {
  return std::ranges::any_of(leaving, [&](const BoundListener* former) {
    return covers(address, former->address) || covers(former->address, address);
  });
}

}  // namespace

void SocketFiles::keep(const std::set<std::string>& paths) {
  std::erase_if(paths_, [&paths](const std::string& path) {
    const bool goes = !paths.contains(path);
    if (goes) unlink(path.c_str());
    return goes;
  });
}

// Those in whose way somebody stands come last: clients come to such a socket at once, and it should not go again.
Result<ListenerSockets::Plan> ListenerSockets::bind(const Snapshot& snapshot) const {
  Plan plan;
  plan.sockets.resize(workers_);
  plan.leaving = leaving(snapshot);
  for (const bool contested : {false, true}) {
    for (const ListenerSnapshot& listener : snapshot.listeners) {
      if (is_contested(listener.address, plan.leaving) != contested) continue;
      if (auto done = bind_listener(listener, plan); !done) return std::unexpected(std::move(done).error());
    }
  }
  inherit(plan);
  return plan;
}

std::vector<const BoundListener*> ListenerSockets::leaving(const Snapshot& snapshot) const {
  std::vector<const BoundListener*> leaving;
  for (const auto& [name, bound] : bound_) {
    const auto same = std::ranges::find(snapshot.listeners, name, &ListenerSnapshot::name);
    const bool stays = same != snapshot.listeners.end() && same->uses_tcp();
    if (bound.tcp && !bound.address.is_unix() && !stays) leaving.push_back(&bound);
  }
  return leaving;
}

void ListenerSockets::inherit(Plan& plan) {
  for (auto& [name, heir] : plan.listeners) {
    if (!heir.tcp) continue;
    const auto take = [&heir](const Address& address) {
      const bool part = covers(heir.address, address) && heir.address != address;
      if (part && !std::ranges::contains(heir.inherited, address)) heir.inherited.push_back(address);
    };
    for (const BoundListener* former : plan.leaving) {
      take(former->address);
      std::ranges::for_each(former->inherited, take);
    }
  }
}

Result<> ListenerSockets::bind_listener(const ListenerSnapshot& listener, Plan& plan) const {
  const auto known = bound_.find(listener.name);
  BoundListener bound = known == bound_.end() ? BoundListener{} : known->second;
  if (!bound.tcp && listener.uses_tcp()) {
    const auto port = bind_tcp(listener, plan);
    if (!port) return std::unexpected(port.error());
    bound.port = *port;
  }
  if (!bound.quic && listener.speaks_h3) {
    const std::uint16_t port = bound.port != 0 ? bound.port : listener.address.port();
    const auto quic = bind_quic(listener, port, plan);
    if (quic) bound.groups = *quic;
    if (quic && !bound.alt_svc_state) bound.alt_svc_state = std::make_shared<AltSvcState>();
    // Without UDP the listener still serves h1 and h2, if it speaks them.
    if (!quic && !listener.uses_tcp()) return std::unexpected(quic.error());
    if (!quic) plan.warnings.push_back(quic.error().message + "; HTTP/3 is off there");
    bound.quic = quic.has_value();
    bound.port = port;
  }
  bound.tcp = listener.uses_tcp();
  bound.address = listener.address;
  bound.address.set_port(bound.port);
  bound.quic = bound.quic && listener.speaks_h3;
  if (!bound.quic) bound.groups.clear();
  plan.listeners[listener.name] = bound;
  return {};
}

Result<std::uint16_t> ListenerSockets::bind_tcp(const ListenerSnapshot& listener, Plan& plan) const {
  const std::vector<Fd> handed_over = inherited_.copies(listener.address, InheritedSockets::Kind::kStream);
  for (const Fd& socket : handed_over) {
    if (auto done = share(listener, socket, plan); !done) return std::unexpected(std::move(done).error());
  }
  if (!handed_over.empty()) return listener.address.port();
  if (is_handed_on(listener.address, plan.leaving)) return listener.address.port();
  if (is_contested(listener.address, plan.leaving)) return bind_for_workers(listener, listener.address, plan);
  // SO_REUSEPORT would quietly share the port with another process of ours: whether it is free shows without.
  auto first = sockets::listen(listener.address, {.reuse_port = false});
  if (!first) return std::unexpected(first.error());
  if (listener.address.is_unix()) {
    plan.files.add(listener.address.path());
    if (auto done = share(listener, *first, plan); !done) return std::unexpected(std::move(done).error());
    return 0;
  }
  Address address = listener.address;
  address.set_port(Address::local_of(first->get()).port());
  first->reset();
  return bind_for_workers(listener, address, plan);
}

Result<std::uint16_t> ListenerSockets::bind_for_workers(const ListenerSnapshot& listener, const Address& address,
                                                        Plan& plan) const {
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    auto socket = sockets::listen(address);
    if (!socket) return std::unexpected(socket.error());
    plan.sockets[worker].push_back({.listener = listener.name, .socket = *std::move(socket)});
  }
  return address.port();
}

// All workers accept from the one socket, whose backlog thus outlives each of them, and the process.
Result<> ListenerSockets::share(const ListenerSnapshot& listener, const Fd& socket, Plan& plan) const {
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    Fd copy(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return system_failure("cannot share the socket " + listener.name, errno);
    plan.sockets[worker].push_back({.listener = listener.name, .socket = std::move(copy)});
  }
  return {};
}

Result<ListenerSockets::Groups> ListenerSockets::bind_quic(const ListenerSnapshot& listener, std::uint16_t port,
                                                           Plan& plan) const {
  Address address = listener.address;
  address.set_port(port);
  Groups groups;
  // Sockets of both families, where an address means both, are groups of their own.
  std::map<int, std::vector<Fd>> handed_over;
  for (Fd& socket : inherited_.copies(address, InheritedSockets::Kind::kDatagram)) {
    handed_over[Address::local_of(socket.get()).family()].push_back(std::move(socket));
  }
  for (auto& [family, bound] : handed_over) {
    auto binding = QuicGroup::adopt(std::move(bound), workers_, listener.quic.ids);
    if (!binding) return std::unexpected(std::move(binding).error());
    if (!binding->group->reads(workers_ - 1)) {
      log::info("{}: fewer UDP sockets than workers were handed over; packets are passed on between the workers",
                listener.name);
    }
    groups.push_back(binding->group);
    hand_out(listener, *std::move(binding), plan);
  }
  if (!handed_over.empty()) return groups;
  auto binding = QuicGroup::bind(address, workers_, listener.quic.ids);
  if (!binding) return std::unexpected(binding.error());
  groups.push_back(binding->group);
  hand_out(listener, *std::move(binding), plan);
  return groups;
}

void ListenerSockets::hand_out(const ListenerSnapshot& listener, QuicGroup::Binding binding, Plan& plan) const {
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    plan.sockets[worker].push_back(
        {.listener = listener.name, .socket = std::move(binding.sockets[worker]), .group = binding.group});
  }
}

bool ListenerSockets::has_file(const ListenerSnapshot& listener) const {
  return listener.address.is_unix() && !inherited_.has(listener.address, InheritedSockets::Kind::kStream);
}

void ListenerSockets::commit(const Snapshot& snapshot, Plan& plan) {
  bound_ = plan.listeners;
  std::set<std::string> paths;
  for (const ListenerSnapshot& listener : snapshot.listeners) {
    if (has_file(listener)) paths.insert(listener.address.path());
  }
  files_.take(plan.files);
  files_.keep(paths);
}

}  // namespace gatehouse
