// What only shows when the parts of a configuration are held against each other, or against the machine: routes that no
// request can reach, listeners on the same address, certificates without their key. Parts that could not be read are
// skipped, so that one mistake is one diagnostic. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse {
class CertificateStore;
}

namespace gatehouse::config {

// What was written but could not be read, so that nobody knows what it holds: what seems to be missing may be there.
struct Gaps {
  bool targets = false;  // upstreams or apps
  bool https = false;    // what would make a listener one for https
  bool routes = false;   // or where one of them leads
};

// Compares the parts with each other: listeners on one address, routes that another one hides, names that nothing has
// and things that nobody uses, endpoints that are listeners of the same file. Pure.
std::vector<Diagnostic> validate(const Config& config, const Gaps& gaps = {});

// What is allowed but hardly meant: limits that the other side does not share, keys without effect. Warnings only, and
// only where no sensible configuration looks like that. Pure; a part of validate().
std::vector<Diagnostic> validate_meaning(const Config& config);

// Whether what `auth` of routes asks for can be had on these listeners. Pure; a part of validate().
std::vector<Diagnostic> validate_auth(const Config& config);

// Asks the machine: opens certificates and keys, looks up users, asks for the limit on file descriptors, and validates
// the apps. What keeps the configuration from coming into force is an error; what may be mended later, a warning.
// Certificates, keys and CAs are read through `certificates`, so that whoever puts the configuration into force next has
// them already.
std::vector<Diagnostic> validate_machine(const Config& config, CertificateStore& certificates);

// Sets the numbers of the owners of reservations; an error for each that there is not. Asks the system, beside
// validate_machine().
std::vector<Diagnostic> look_up_owners(Config& config);

// Which reservation is there twice, or reserves what no listener takes. Pure; a part of validate().
std::vector<Diagnostic> validate_reservations(const Config& config);

// Whether the folders of log files are there. A part of validate_machine().
std::vector<Diagnostic> validate_logs(const Log& log);

// What is wrong with the files of users (in their lines) and keytabs of routes. A part of validate_machine().
std::vector<Diagnostic> validate_auth_files(const Config& config);

// Whether each app's program and script, directory, environment file, user and watched files are there. A missing
// program, script or watched file is only a warning, because an app may be deployed later. A part of
// validate_machine().
std::vector<Diagnostic> validate_apps(const Config& config);

// Why the app's program could not be run if it were started now: it is not there, or nobody may execute it. A sentence;
// nothing if it could.
std::optional<std::string> why_not_started(const App& app);

}  // namespace gatehouse::config
