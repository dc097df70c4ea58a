#include "proxy/doctor/doctor.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <format>
#include <iterator>

#include "config/reading/load.h"
#include "config/validate.h"
#include "proxy/doctor/app_files.h"
#include "proxy/doctor/certificates.h"
#include "proxy/doctor/endpoints.h"
#include "proxy/doctor/files.h"
#include "proxy/doctor/machine.h"
#include "proxy/doctor/ports.h"

namespace gatehouse::doctor {
namespace {

constexpr std::chrono::milliseconds kLongestConnect{5'000};

void append(Findings& all, Findings more) {
  std::ranges::move(more, std::back_inserter(all));
}

std::string who_we_are() {
  constexpr std::size_t kEnough = 16384;
  std::array<char, kEnough> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? std::string(found->pw_name) : std::format("user {}", ::geteuid());
}

Findings check_configuration(const config::Loaded& loaded, const std::string& file) {
  Findings findings;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    const bool fatal = diagnostic.severity == config::Severity::kError;
    findings.push_back({.grade = fatal ? Grade::kProblem : Grade::kWarning,
                        .check = "configuration",
                        .message = diagnostic.to_string()});
  }
  if (findings.empty()) {
    findings.push_back({.grade = Grade::kOk,
                        .check = "configuration",
                        .message = std::format("{} is valid; looked at as {}", file, who_we_are())});
  }
  return findings;
}

// An app that cannot start is no warning here: nothing else may be wrong with a machine.
Findings check_apps(const config::Config& config) {
  Findings findings;
  auto diagnostics = config::validate_apps(config);
  std::ranges::move(check_app_files(config), std::back_inserter(diagnostics));
  for (const config::Diagnostic& diagnostic : diagnostics) {
    findings.push_back({.grade = Grade::kProblem, .check = "app", .message = diagnostic.to_string()});
  }
  for (const config::App& app : config.apps) {
    const bool wrong = std::ranges::any_of(diagnostics, [&](const config::Diagnostic& diagnostic) {
      return diagnostic.message.contains("\"" + app.name + "\"");
    });
    if (wrong) continue;
    findings.push_back(
        {.grade = Grade::kOk,
         .check = "app",
         .message = std::format("{} can be started: {} in {}", app.name, app.command.front(), app.directory)});
  }
  return findings;
}

}  // namespace

Findings examine(const std::string& file) {
  const config::Loaded loaded = config::load_without_machine(file);
  Findings findings = check_configuration(loaded, file);
  if (!loaded.config) return findings;
  const config::Config& config = *loaded.config;
  append(findings, check_ports(config));
  append(findings, check_certificates(config, std::chrono::system_clock::now()));
  append(findings, judge_endpoints(look_at_endpoints(
                       config, {.timeout = std::min(config.timeouts.connect, kLongestConnect), .resolver = {}})));
  append(findings, check_apps(config));
  append(findings, check_sources(loaded.sources));
  append(findings, check_files(config));
  append(findings, check_machine(config));
  return findings;
}

}  // namespace gatehouse::doctor
