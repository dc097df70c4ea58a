#include "proxy/cli_doctor.h"

#include <cstdio>

#include "proxy/doctor/doctor.h"
#include "proxy/doctor/ports.h"

namespace gatehouse {

int run_doctor(const std::string& file, bool json) {
  const doctor::Findings findings = doctor::examine(file);
  const std::string text = json ? doctor::to_json(findings) : doctor::to_text(findings);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return doctor::has_problems(findings) ? 1 : 0;
}

std::vector<config::Diagnostic> machine_warnings(const config::Config& config) {
  return doctor::http3_warnings(config);
}

}  // namespace gatehouse
