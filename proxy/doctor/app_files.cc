#include "proxy/doctor/app_files.h"

#include <unistd.h>

#include <format>

#include "config/quoting.h"
#include "proxy/apps/environment.h"
#include "proxy/system/user_identity.h"

namespace gatehouse::doctor {

std::vector<config::Diagnostic> check_app_files(const config::Config& config) {
  std::vector<config::Diagnostic> found;
  for (const config::App& app : config.apps) {
    if (app.environment_file.empty() || ::access(app.environment_file.c_str(), R_OK) != 0) continue;
    const Result<AppUser> user = identity_to_take(app.user);
    if (!user) continue;
    const Result<Environment> environment = environment_from_file(app.environment_file, *user);
    if (environment) continue;
    found.push_back({.location = app.environment_file_location,
                     .message = config.veil.over(std::format("the app {} cannot start: {}", config::in_quotes(app.name),
                                                             environment.error().message))});
  }
  return found;
}

}  // namespace gatehouse::doctor
