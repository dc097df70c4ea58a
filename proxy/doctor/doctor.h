// `gatehouse doctor`: everything around a configuration that keeps it from serving, or will. Changes nothing and
// disturbs no running instance. Main thread of a short-lived process.
#pragma once

#include <string>

#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

// Loads the configuration in `file` and runs every check, in the order in which findings are worth putting right: the
// configuration itself, ports, certificates, endpoints, apps, files, the machine. What is well has a finding too.
// Where the file is no configuration, that alone is found. It waits for endpoints, for ten seconds at most: their
// names and then their connections.
Findings examine(const std::string& file);

}  // namespace gatehouse::doctor
