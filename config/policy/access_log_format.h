// The forms that a line of the access log may have, for the configuration and for proxy/observe, which writes them
// (access_record.h). Values, any thread.
#pragma once

#include <cstdint>

namespace gatehouse {

enum class AccessLogFormat : std::uint8_t {
  // Nobody has chosen: kShort on a terminal, else kJson.
  kAuto,
  // One object a line; what is not known is null.
  kJson,
  // NCSA combined, as Apache and nginx write it; what is not known is "-".
  kCombined,
  // W3C extended, as IIS writes it, with cs-version and with fields of ours, whose names begin with "x-". A log in
  // this form must begin with w3c_directives().
  kW3c,
  // For people: time, status, duration, protocol, method, path and fault, as wide as the terminal at most.
  kShort,
};

}  // namespace gatehouse
