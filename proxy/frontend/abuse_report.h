// Tells the log and the metrics that a client's connection is ended for what the client did too much of. Whoever ends
// one for such a reason says so here, once. The loop's thread.
#pragma once

#include "proxy/frontend/listener_context.h"

namespace gatehouse {

void report_abuse(ListenerContext& context, const Address& client, Abuse abuse);

}  // namespace gatehouse
