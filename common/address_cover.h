// Which of two socket addresses takes what is meant for the other: so that a configuration with both is refused, and a
// listener that goes is known to stand where another one will. Pure, any thread.
#pragma once

#include <sys/socket.h>

#include "common/address.h"

namespace gatehouse {

// Whether a socket that is bound to `wide` takes what is meant for `narrow` too: it is the same address, or stands for
// every one ([::] for those of v4 as well) with the same port.
inline bool covers(const Address& wide, const Address& narrow) {
  if (wide == narrow) return true;
  if (wide.is_unix() || narrow.is_unix() || wide.port() != narrow.port()) return false;
  return wide.is_any() && (wide.family() == AF_INET6 || narrow.family() == AF_INET);
}

}  // namespace gatehouse
