#include "proxy/cli_doctor.h"

#include <cstdio>

#include "proxy/cli_output.h"
#include "proxy/doctor/doctor.h"
#include "proxy/doctor/ports.h"

namespace gatehouse {

int run_doctor(const std::string& file, bool json) {
  const doctor::Findings findings = doctor::examine(file);
  const std::string text = json ? doctor::to_json(findings) : doctor::to_text(findings);
  print(stdout, text);
  return doctor::has_problems(findings) ? kExitFailed : kExitFine;
}

std::vector<config::Diagnostic> machine_warnings(const config::Config& config) {
  return doctor::http3_warnings(config);
}

}  // namespace gatehouse
