// How many descriptors the process may have, and how many connections of clients that allows, so that accepting never
// starves what runs of files and endpoints. Start-up only; main thread.
#pragma once

#include <cstddef>

namespace gatehouse::descriptors {

// Raises the soft limit to the hard one; the limit that holds now.
std::size_t raise_limit();

// Client connections that fit into `limit` descriptors with a reserve for endpoints (one each), listeners, logs and
// files.
std::size_t connections_within(std::size_t limit);

}  // namespace gatehouse::descriptors
