// Which listener takes a request, from what the client knows: scheme, port, host and protocol. The kernel and DNS
// decide this when it is real; here the addresses of the snapshot do. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "proxy/explain/question.h"
#include "proxy/runtime/snapshot.h"

namespace gatehouse {

struct ListenerChoice {
  // Never null, and one of the snapshot, which must outlive it.
  const ListenerSnapshot* listener = nullptr;
  // What of its address makes it this one.
  std::string why;
  // Those that came near, as "NAME: why not".
  std::vector<std::string> others;
  // The one that was asked for; else what a client would come to: h2 over TLS, h1, or else what the listener speaks.
  Protocol protocol = Protocol::kH1;
};

// By the name that the question gives; else among those whose port (or public port) and TLS are the URL's: the one
// whose address says most about the host. The error says who listens instead, or that it does not speak the protocol.
Result<ListenerChoice> choose_listener(const Snapshot& snapshot, const Question& question);

}  // namespace gatehouse
