#include "proxy/cli/doctor.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "proxy/cli/output.h"
#include "proxy/doctor/app_files.h"
#include "proxy/doctor/doctor.h"
#include "proxy/doctor/ports.h"

namespace gatehouse {

int run_doctor(const std::string& file, bool json) {
  const doctor::Findings findings = doctor::examine(file);
  const std::string text = json ? doctor::to_json(findings) : doctor::to_text(findings);
  print(stdout, text);
  return doctor::has_problems(findings) ? kExitFailed : kExitFine;
}

std::vector<config::Diagnostic> machine_diagnostics(const config::Config& config) {
  std::vector<config::Diagnostic> diagnostics = doctor::check_app_files(config);
  std::ranges::move(doctor::http3_warnings(config), std::back_inserter(diagnostics));
  return diagnostics;
}

}  // namespace gatehouse
