// May a client that has come to a listener have one more connection? Asked by whatever accepts, TCP and QUIC, once
// there is room at all; the limits of one address are judged, counted and told of in one place. The loop's thread.
#pragma once

#include "common/address.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/listener_context.h"

namespace gatehouse::client_admission {

// Returns true if it may, and `permit` counts it as a connection of that client from now on; false if its address has
// as many as it may have, or begins too many handshakes (where the listener has TLS); counted, and said in the log.
// Trusted proxies and Unix sockets are never refused.
// REQUIRES: the address is proven, by TCP's handshake or QUIC's
[[nodiscard]] bool admit(const ListenerContext& context, const Address& client, ConnectionPermit& permit);

// For a client whose address anybody may have written into a packet: whether it would be refused. Nothing is counted.
[[nodiscard]] bool would_refuse(const ListenerContext& context, const Address& client);

}  // namespace gatehouse::client_admission
