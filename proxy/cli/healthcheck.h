// `gatehouse healthcheck`: whether a running process is ready, asked at the admin address, for HEALTHCHECK of images
// and for probes that run a command: no curl is needed. Blocking, a few seconds at most; main thread of a short-lived
// process.
#pragma once

#include <chrono>
#include <string>

namespace gatehouse {

struct HealthcheckOptions {
  std::string admin;                // --admin or GATEHOUSE_ADMIN; empty: as the file says
  std::string file;                 // empty: none, so that the default address is asked
  std::chrono::seconds timeout{2};  // to connect, and then to be answered
};

struct HealthcheckOutcome {
  bool ready = false;
  std::string reason;  // one line
};

HealthcheckOutcome healthcheck(const HealthcheckOptions& options);

}  // namespace gatehouse
