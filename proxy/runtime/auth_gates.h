// The gates of routes with `auth`, from the files that the configuration names: users and keytabs. A part of
// TlsMaterial::load(), which may block; any thread.
#pragma once

#include <memory>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/gates/auth_gate.h"
#include "proxy/runtime/tls_material.h"

namespace gatehouse {

// Returns a gate for each route, in their order; null for one without `auth`. What cannot be read is a diagnostic. Users
// whose file has not changed since the snapshot in force are the same object there and here, so that whoever has signed
// in stays known.
std::vector<std::shared_ptr<const AuthGate>> auth_gates(const config::Config& config,
                                                        const TlsMaterial::Dependencies& dependencies,
                                                        TlsMaterial::Diagnostics& diagnostics);

}  // namespace gatehouse
