// Authentication that belongs to a connection rather than to a request: NTLM and Negotiate (RFC 4559), and what is
// built on them. Whoever sends another request on such a connection is served as the one who authenticated, so it
// must never carry a request of somebody else: the Forwarder closes it with its exchange, or, where the route has
// connection_auth, leaves it to the client's connection. Pure, any thread.
#pragma once

#include "proxy/http/message.h"

namespace gatehouse::connection_auth {

// Whether the request, as the endpoint gets it, may give its connection an identity: Authorization or
// Proxy-Authorization has a scheme of this kind.
bool binds(const RequestHead& head);

// Whether the answer, as the endpoint sent it, belongs to such an authentication: it offers a scheme of this kind,
// which may have begun with it, or says that the connection has an identity now (Persistent-Auth).
bool binds(const ResponseHead& head);

}  // namespace gatehouse::connection_auth
