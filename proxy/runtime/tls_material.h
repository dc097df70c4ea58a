// The part of a snapshot that takes files and time: certificates, CAs and ticket keys, and the TLS contexts that are
// made of them; and by what users sign in, their passwords and the keys of Kerberos. It is made before the snapshot and away from the control loop; what has not changed since the snapshot
// in force is the same object there and here. A value; load() on any thread.
//
//   a thread for loading:  config::load -> TlsMaterial::load      (files)
//   the control thread:    SnapshotBuilder::build -> ...          (no files but the access log's)
#pragma once

#include <expected>
#include <memory>
#include <vector>

#include "common/crypto/certificate_store.h"
#include "common/crypto/tls_client.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/frontend/tls/ticket_keys.h"
#include "proxy/frontend/tls/tls_contexts.h"
#include "proxy/gates/auth_gate.h"

namespace gatehouse {

struct Snapshot;

struct TlsMaterial {
  using Diagnostics = std::vector<config::Diagnostic>;
  struct Dependencies {
    CertificateStore& certificates;
    // Those that come from no file, which outlive every reload.
    std::shared_ptr<TicketKeys> ticket_keys;
    // What is in force; null: nothing is.
    std::shared_ptr<const Snapshot> current;
    // Of the gates that verify credentials, for as long as the process; null: made for this load.
    std::shared_ptr<StepThreads> step_threads = {};
  };

  // Returns the material, or all that is wrong with certificates, CAs and ticket keys; a certificate that is not valid
  // now is wrong where it would replace one. REQUIRES: a configuration without errors
  static std::expected<TlsMaterial, Diagnostics> load(const config::Config& config, const Dependencies& dependencies);

  // Of each listener, in the order of the configuration; null: cleartext.
  std::vector<std::shared_ptr<const TlsContexts>> listeners;
  // By upstream.
  TlsClients clients;
  // Of each route, in the order of the configuration; null: it has no `auth`.
  std::vector<std::shared_ptr<const AuthGate>> auth = {};
};

}  // namespace gatehouse
