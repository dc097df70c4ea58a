// Tells the log and the metrics that a client's connection is ended for what the client did too much of. Whoever ends
// one for such a reason says so here, once for the connection: H2Connection, H3Session, QuicConnection, and TlsAccept
// for the records of its TlsStream. The loop's thread.
#pragma once

#include "proxy/frontend/listener_context.h"

namespace gatehouse {

// Counts `abuse` among the connections that the listener has cut, and writes a line at level info, whose number is
// limited. The connection itself is left alone: the caller ends it.
void report_abuse(ListenerContext& context, const Address& client, Abuse abuse);

}  // namespace gatehouse
