// What only shows when the parts of a configuration are held against each other, or against the machine: routes that no
// request can reach, listeners on the same address, certificates without their key. Parts that could not be read are
// skipped, so that one mistake is one diagnostic. Any thread.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

// Compares the parts with each other: listeners on one address, routes that another one hides, names that nothing has
// and things that nobody uses, endpoints that are listeners of the same file. Pure.
std::vector<Diagnostic> validate(const Config& config);

// What is allowed but hardly meant: limits that the other side does not share, keys without effect. Warnings only, and
// only where no sensible configuration looks like that. Pure; a part of validate().
std::vector<Diagnostic> validate_meaning(const Config& config);

// Asks the machine: opens certificates and keys, looks up users, asks for the limit on file descriptors, and validates
// the apps. What keeps the configuration from coming into force is an error; what may be mended later, a warning.
std::vector<Diagnostic> validate_machine(const Config& config);

// Whether each app's program and script, directory, environment file, user and watched files are there. A missing
// program, script or watched file is only a warning, because an app may be deployed later. A part of
// validate_machine().
std::vector<Diagnostic> validate_apps(const Config& config);

}  // namespace gatehouse::config
