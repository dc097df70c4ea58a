// How many descriptors the process may have, and how many connections of clients and to endpoints that allows, so
// that neither starves the other, nor files. Plain arithmetic but for raise_limit(); the Server uses it at the start
// and when a configuration comes into force, `gatehouse doctor` to tell what would be. Main thread.
#pragma once

#include <cstddef>
#include <string>

namespace gatehouse::descriptors {

// Raises the soft limit to the hard one, or logs why it cannot. Returns the limit that holds now. Apps are started
// with the limit of before.
std::size_t raise_limit();

// Client connections that fit into `limit` descriptors with a reserve for endpoints (one each), listeners, logs and
// files. At least 16, even if they do not fit.
std::size_t connections_within(std::size_t limit);

// Connections to endpoints, idle ones included, that fit into `limit` beside `clients` client connections, with a
// reserve for listeners, logs, files, health checks and the pipes of apps. At least 16.
std::size_t endpoint_connections_within(std::size_t limit, std::size_t clients);

// How many descriptors it takes that each of `clients` client connections can have one to an endpoint, and the
// reserve.
std::size_t needed_for(std::size_t clients);

// Says what is wrong with `limit`, with both numbers and what changes it, for a configuration that wants
// `max_connections` clients (0: as many as fit, and then a limit below 4096 is too low). Empty: nothing.
std::string shortage(std::size_t limit, std::size_t max_connections);

}  // namespace gatehouse::descriptors
