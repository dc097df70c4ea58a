#include "proxy/discovery/reservations.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace gatehouse {

Registrant Registrant::at(int socket) {
  Registrant who{.user = static_cast<uid_t>(-1)};
  ucred peer{.pid = 0, .uid = who.user, .gid = static_cast<gid_t>(-1)};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return who;
  who.user = peer.uid;
  who.pid = peer.pid;
  length = 0;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length) != 0 && errno == ERANGE) {
    who.groups.resize(length / sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, who.groups.data(), &length) != 0) who.groups.clear();
  }
  who.groups.push_back(peer.gid);
  return who;
}

bool is_owner(const Reservation& reservation, const Registrant& who) {
  return reservation.for_group ? std::ranges::contains(who.groups, reservation.owner) : reservation.owner == who.user;
}

const Reservation* reservation_of(std::span<const Reservation> reservations, const UrlPrefix& prefix) {
  const Reservation* longest = nullptr;
  for (const Reservation& each : reservations) {
    if (!each.prefix.covers(prefix)) continue;
    if (longest == nullptr || each.prefix.path.size() > longest->prefix.path.size()) longest = &each;
  }
  return longest;
}

}  // namespace gatehouse
