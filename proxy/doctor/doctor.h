// `gatehouse doctor`: everything around a configuration that keeps it from serving, or will. Changes nothing and
// disturbs no running instance. Main thread of a short-lived process.
#pragma once

#include <string>

#include "proxy/doctor/finding.h"

namespace gatehouse::doctor {

// In the order in which they are worth putting right. Where the file is no configuration, that alone.
Findings examine(const std::string& file);

}  // namespace gatehouse::doctor
