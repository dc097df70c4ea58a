// Who may register below a prefix: what `[[reservations]]` say, and what of it holds for a process. Values and pure
// functions.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/policy/url_prefix.h"

namespace gatehouse {

struct Reservation {
  UrlPrefix prefix;
  // Whether `owner` is a group's number, and not a user's.
  bool for_group = false;
  std::uint32_t owner = 0;
  // Its name, for people.
  std::string owner_name;
  friend bool operator==(const Reservation&, const Reservation&) = default;
};

// A process at the other end of a Unix socket, as the kernel knows it since it connected.
struct Registrant {
  uid_t user = 0;
  // The first one, and the others.
  std::vector<gid_t> groups;
  // 0: of another namespace.
  int pid = 0;

  static Registrant at(int socket);
};

bool is_owner(const Reservation& reservation, const Registrant& who);

// The reservation that decides about `prefix`: the longest that covers it; null: nobody may register it. A shorter one
// gives nothing below a longer one.
const Reservation* reservation_of(std::span<const Reservation> reservations, const UrlPrefix& prefix);

}  // namespace gatehouse
