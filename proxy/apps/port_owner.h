// Whether those that listen on a TCP port of this machine are processes of an instance: the port could have been taken
// by somebody else between our choice and the app's bind. Reads /proc; control thread.
#pragma once

#include <cstdint>

#include "proxy/apps/process_table.h"

namespace gatehouse {

enum class PortOwner : std::uint8_t {
  kNobody,  // nobody listens there
  kOurs,    // all that listen there are of the tree
  kOther,
};

PortOwner owner_of_port(std::uint16_t port, const TreeMark& mark);

}  // namespace gatehouse
