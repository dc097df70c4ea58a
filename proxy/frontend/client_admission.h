// May a client that has come to a listener have one more connection? Asked by whatever accepts, TCP and QUIC, once
// there is room at all; the limits of one address are judged, counted and told of in one place. The loop's thread.
//
// Never refused are trusted proxies, Unix sockets, clients of a listener without a ClientTable (the admin page's),
// and loopback addresses where ClientLimits spare them.
#pragma once

#include "common/address.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/listener_context.h"

namespace gatehouse::client_admission {

// Returns true if the client may, and `permit` counts it as a connection of that client from then on. Returns false
// if its address has as many as it may have, or begins too many handshakes (on a listener with TLS); that is counted
// and logged, and the caller drops the connection. The handshake is judged first, and stays counted if the
// connections then refuse. REQUIRES: the address is proven, by TCP's handshake or QUIC's
[[nodiscard]] bool admit(const ListenerContext& context, const Address& client, ConnectionPermit& permit);

// Returns whether admit() would refuse the client now, and counts nothing. For clients whose address anybody may have
// written into a packet.
[[nodiscard]] bool would_refuse(const ListenerContext& context, const Address& client);

}  // namespace gatehouse::client_admission
