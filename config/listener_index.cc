#include "config/listener_index.h"

#include <sys/socket.h>

#include "common/address_cover.h"

namespace gatehouse::config {

namespace {

bool is_ip(const Address& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

// As which no other listener can be.
bool is_fixed(const Address& address) {
  return address.is_unix() || (is_ip(address) && address.port() != 0);
}

void keep_first(const Listener*& kept, const Listener& listener) {
  if (kept == nullptr) kept = &listener;
}

}  // namespace

bool ListenerIndex::overlap(const Address& a, const Address& b) {
  if (!is_fixed(a) || !is_fixed(b)) return false;
  return covers(a, b) || covers(b, a);
}

void ListenerIndex::add(const Listener& listener) {
  const Address& address = listener.address;
  if (!is_fixed(address)) return;
  by_address_.emplace(address.to_string(), &listener);
  if (address.is_unix()) return;
  Port& port = by_port_[address.port()];
  const bool v4 = address.family() == AF_INET;
  keep_first(port.first, listener);
  if (v4) keep_first(port.first_v4, listener);
  if (address.is_any()) keep_first(v4 ? port.any_v4 : port.any_v6, listener);
}

const Listener* ListenerIndex::at(const Address& address) const {
  const auto found = by_address_.find(address.to_string());
  return found == by_address_.end() ? nullptr : found->second;
}

const Listener* ListenerIndex::overlapping(const Address& address) const {
  if (!is_fixed(address)) return nullptr;
  if (const Listener* const same = at(address); same != nullptr) return same;
  const auto found = address.is_unix() ? by_port_.end() : by_port_.find(address.port());
  if (found == by_port_.end()) return nullptr;
  const Port& port = found->second;
  const bool v4 = address.family() == AF_INET;
  if (port.any_v6 != nullptr) return port.any_v6;
  if (v4 && port.any_v4 != nullptr) return port.any_v4;
  if (!address.is_any()) return nullptr;
  return v4 ? port.first_v4 : port.first;
}

}  // namespace gatehouse::config
