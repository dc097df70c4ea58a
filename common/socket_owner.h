// Whose a TCP socket of this machine is, as the kernel tells by inet_diag (sock_diag(7)). Any thread: a question is
// answered within the call that asks it, in some ten microseconds, and never waits. Of this network namespace.
#pragma once

#include <sys/types.h>

#include <optional>

#include "common/address.h"

namespace gatehouse::socket_owner {

// The user whose socket takes connections to `address`: who made it, by the file-system user that he had. Nothing:
// nobody listens there, or the kernel has no inet_diag to ask.
std::optional<uid_t> listener_at(const Address& address);

// Whether the other end of a connected TCP socket, to an address of this machine, is `user`'s: his process has accepted
// it, or it still waits for that at a socket that he listens with. No other user can have it later: what waits goes
// with the socket that it waits at, and while that one listens nobody else can have its port.
bool is_at_other_end(int fd, uid_t user);

}  // namespace gatehouse::socket_owner
