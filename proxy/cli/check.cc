#include "proxy/cli/check.h"

#include <cstdio>
#include <format>

#include "config/reading/load.h"
#include "proxy/cli/doctor.h"
#include "proxy/cli/output.h"

namespace gatehouse {

int run_check(const std::string& file) {
  const config::Loaded loaded = config::load(file);
  print(loaded.diagnostics, loaded.sources);
  if (!loaded.config) return kExitFailed;
  const auto more = machine_diagnostics(*loaded.config);
  print(more, loaded.sources);
  if (config::has_errors(more)) return kExitFailed;
  print(stdout, std::format("{}: valid\n", file));
  return kExitFine;
}

}  // namespace gatehouse
