// From the configuration of upstreams and apps to the options of those who carry it out: balancing, endpoints, health
// checks, ejection, processes. Pure, any thread; the configuration is a valid one.
#pragma once

#include "common/crypto/tls_client.h"
#include "config/config.h"
#include "proxy/apps/app_spec.h"
#include "proxy/discovery/upstream_spec.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

// Without the affinity key and detailed_errors, which SnapshotBuilder sets.
UpstreamOptions upstream_options(const config::Balancing& balancing);
// Relative paths of the offline file and of files whose change recycles the app are paths in the app's directory.
// Without https_port and `asked`, which are not the app's own.
AppSpec app_spec(const config::App& app);
// REQUIRES: `clients` has one for each upstream that has an endpoint with https, by its name.
DirectorySpec directory_spec(const config::Config& config, const TlsClients& clients);

}  // namespace gatehouse
