// Who listens where on this machine, and whether they are processes of an instance: the port could have been taken by
// somebody else between our choice and the app's bind, and an app may listen elsewhere than it was told. Reads /proc;
// any thread.
#pragma once

#include <cstdint>
#include <string>

#include "proxy/apps/process/process_table.h"

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

// Where the processes of the tree listen, on TCP and Unix sockets, for people: "127.0.0.1:5000 and [::]:8080"; of many the
// first few. Empty if that is nowhere, or their descriptors may not be read. Walks over /proc: not for a loop's thread.
std::string listens_on(const TreeMark& mark);

}  // namespace gatehouse
