// What of a configuration holds for the life of a process, so that a reload leaves it to the next start. Pure; the control
// thread's.
#pragma once

#include <cstddef>
#include <vector>

#include "config/diagnostic.h"

namespace gatehouse {

// How many worker threads a configuration asks for: as it says, or one for each CPU.
std::size_t workers_of(const config::Config& config);

// A warning for each key of `wanted` that `running`, which has `workers` workers, does not take over.
std::vector<config::Diagnostic> what_waits(const config::Config& wanted, const config::Config& running,
                                           std::size_t workers);

}  // namespace gatehouse
