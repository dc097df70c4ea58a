// The `auth` of a route: who may ask, by name. A part of config.h, with its rules: one member per key, with its default
// and what a user would read about it. A value, no thread affinity.
#pragma once

#include "config/location.h"
#include "config/policy/auth.h"

namespace gatehouse::config {

// auth = { schemes = ["Negotiate", "Basic"], ... }
struct Auth {
  Location location;
  bool negotiate = false;  // Kerberos by SPNEGO (RFC 4559)
  bool basic = false;      // passwords, over TLS only
  KeyFile keytab;          // of Negotiate: the keys of HTTP/NAME@REALM; "": none
  KeyFile users;           // of Basic: NAME:HASH on each line; "": none
  bool anonymous = false;  // who sends no credentials is served without a name; false: gets 401
  ChannelBinding channel_binding = ChannelBinding::kOff;
};

}  // namespace gatehouse::config
