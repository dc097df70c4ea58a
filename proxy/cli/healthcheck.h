// `gatehouse healthcheck`: whether a running process is ready, asked at the admin address, for HEALTHCHECK of images
// and for probes that run a command: no curl is needed. Blocking; main thread of a short-lived process.
#pragma once

#include <chrono>
#include <string>

namespace gatehouse {

struct HealthcheckOptions {
  // --admin or GATEHOUSE_ADMIN; empty: as the file says.
  std::string admin;
  // Empty: none, so that the default address is asked.
  std::string file;
  // To connect, and then to be answered.
  std::chrono::seconds timeout{2};
};

struct HealthcheckOutcome {
  bool ready = false;
  // One line for people, also if it is ready.
  std::string reason;
};

// Asks /readyz. It is ready if that says 200; otherwise the reason is what it said, or why it could not be asked.
HealthcheckOutcome healthcheck(const HealthcheckOptions& options);

}  // namespace gatehouse
