// What a client will ask for because of a response, as its Link fields say (rel=preload): what a codec that can push
// (h2 alone) promises. A pure function, for a Forwarder whose route has `push`; any thread.
#pragma once

#include <string>
#include <vector>

#include "proxy/http/client_info.h"
#include "proxy/http/message.h"

namespace gatehouse {

// Returns targets in origin form, of the request's own origin, at most ten, each once, in the order of the fields.
// Nothing where the request is no GET of h2, and where a trusted proxy speaks for the client: a pushed request would
// seem to come from the proxy itself.
std::vector<std::string> push_targets(const RequestHead& request, const ClientInfo& client,
                                      const ResponseHead& response);

}  // namespace gatehouse
