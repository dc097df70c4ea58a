// One of [[reservations]] of a configuration, a part of config.h: what a user would read about it stands in
// config/reference.toml. A value, no thread affinity.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/location.h"
#include "config/policy/url_prefix.h"

namespace gatehouse::config {

// Who may register below a prefix.
struct Reservation {
  Location location;
  std::optional<UrlPrefix> prefix;  // nullopt: it could not be read
  std::string user;                 // or
  std::string group;                // the other one is empty
  Location owner_location;
  std::uint32_t owner = 0;  // the number of either, see look_up_owners()
  bool whole_port = false;  // the prefix may be all of a port, whatever the host
};

}  // namespace gatehouse::config
