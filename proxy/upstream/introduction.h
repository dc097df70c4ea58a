// What a connection to an endpoint begins with, before TLS, so that the endpoint knows whose it is: the PROXY header,
// version 1 or 2, as HAProxy's proxy-protocol.txt has it. Pure, any thread.
#pragma once

#include <string>

#include "common/address.h"
#include "config/policy/balancing.h"

namespace gatehouse::introduction {

// Of a client, and of where it has connected to. Both are written in one family: v4 as v4-mapped beside v6. A
// destination that is none (of a Unix socket, or not known) is 0.0.0.0 or ::. Whose source is not on a network is
// unknown to the endpoint. Empty for SendProxyProtocol::kOff.
std::string of_client(SendProxyProtocol version, const Address& source, const Address& destination);

// Of a connection of our own: LOCAL, and UNKNOWN in version 1. Empty for SendProxyProtocol::kOff.
std::string of_ourselves(SendProxyProtocol version);

}  // namespace gatehouse::introduction
