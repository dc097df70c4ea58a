// `gatehouse doctor [FILE]` on the command line: what it prints, and its part of `gatehouse check`. Main thread of a
// short-lived process.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse {

// Examines `file` and what is around it, and prints what it finds to standard output, as text or as JSON. Returns the
// exit code: 0 without problems, 1 otherwise.
int run_doctor(const std::string& file, bool json);

// What `check` says besides the diagnostics of the file: what the machine would not let work, or not let start.
// Starts and binds nothing.
std::vector<config::Diagnostic> machine_diagnostics(const config::Config& config);

}  // namespace gatehouse
