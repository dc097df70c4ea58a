// Tells the log and the metrics that a client's connection is ended before its time for what the client did. Whoever
// ends one for such a reason says so here, once for the connection: H1Connection, H2Connection, H3Session,
// QuicConnection, LingeringClose, ClearAccept, and TlsAccept for the records of its TlsStream. What an answer of ours
// tells of (408 and 431 of h1) is counted with the faults instead, and what ends a handshake with the handshakes. The
// loop's thread.
#pragma once

#include "proxy/frontend/listener_context.h"

namespace gatehouse {

// Counts `abuse` among the connections that the listener has cut, and writes a line at level info, whose number is
// limited. The connection itself is left alone: the caller ends it.
void report_abuse(ListenerContext& context, const Address& client, Abuse abuse);

}  // namespace gatehouse
