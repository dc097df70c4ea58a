// Whether those that listen on a TCP port of this machine are processes of an instance: the port could have been
// taken by somebody else between our choice and the app's bind. Reads /proc; control thread.
#pragma once

#include <cstdint>

#include "proxy/apps/process_table.h"

namespace gatehouse {

enum class PortOwner : std::uint8_t {
  // Nobody listens there on an address that a connection to 127.0.0.1 reaches.
  kNobody,
  // All that listen there are of the tree, or of the user of a process in it whose descriptors we may not read.
  kOurs,
  // Somebody listens there who is neither.
  kOther,
};

// Walks over /proc, so it is asked once for a start and not for a request. Without /proc the outcome is kNobody.
PortOwner owner_of_port(std::uint16_t port, const TreeMark& mark);

}  // namespace gatehouse
