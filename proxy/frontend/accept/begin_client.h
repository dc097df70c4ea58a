// What a listener does with a connection once it is known whose it is: at once where its peer is the client, behind a
// PROXY header where that says so. The loop's thread.
#pragma once

#include <memory>

#include "common/address.h"
#include "common/clock.h"
#include "common/fd.h"
#include "proxy/frontend/connection_budget.h"
#include "proxy/frontend/listener_context.h"

namespace gatehouse {

struct AcceptedClient {
  // Does not block.
  Fd socket;
  // The client's address.
  Address address;
  ConnectionPermit permit;
  // What a PROXY header has said; null: there was none.
  std::shared_ptr<const ProxyHeaderNotes> proxied = {};
  // Of the time for the handshake, what has passed.
  Duration spent{};
};

// Adds a TlsAccept or what ClearAccept begins to the connections of `context`, if the client may have one more: if not,
// its connection is reset.
void begin_client(ListenerContext& context, AcceptedClient client);

}  // namespace gatehouse
