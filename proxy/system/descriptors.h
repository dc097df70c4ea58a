// How many descriptors the process may have, and how many connections of clients and to endpoints that allows, so that
// neither starves the other, nor files. Main thread.
#pragma once

#include <cstddef>
#include <string>

namespace gatehouse::descriptors {

// Raises the soft limit to the hard one; the limit that holds now.
std::size_t raise_limit();

// Client connections that fit into `limit` descriptors with a reserve for endpoints (one each), listeners, logs and
// files.
std::size_t connections_within(std::size_t limit);

// Connections to endpoints, idle ones included, that fit into `limit` beside `clients` client connections, with a
// reserve for listeners, logs, files, health checks and the pipes of apps.
std::size_t endpoint_connections_within(std::size_t limit, std::size_t clients);

// How many descriptors it takes that each of `clients` client connections can have one to an endpoint, and the reserve.
std::size_t needed_for(std::size_t clients);

// What is wrong with `limit`, with both numbers and what changes it: for a configuration that wants `max_connections`
// clients (0: as many as fit). Empty: nothing.
std::string shortage(std::size_t limit, std::size_t max_connections);

}  // namespace gatehouse::descriptors
