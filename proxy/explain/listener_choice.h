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
  const ListenerSnapshot* listener = nullptr;  // never null
  std::string why;
  std::vector<std::string> others;  // "NAME: why not", those that came near
  Protocol protocol = Protocol::kH1;
};

// The error says who listens instead.
Result<ListenerChoice> choose_listener(const Snapshot& snapshot, const Question& question);

}  // namespace gatehouse
