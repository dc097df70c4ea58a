// From the configuration of upstreams and apps to the options of those who carry it out: balancing, endpoints, health
// checks, ejection, processes. Pure, any thread; the configuration is a valid one.
#pragma once

#include "config/config.h"
#include "proxy/apps/app_spec.h"
#include "proxy/discovery/upstream_spec.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

// Without the affinity key and detailed_errors, which SnapshotBuilder sets.
UpstreamOptions upstream_options(const config::Balancing& balancing);
// Relative paths of the offline file and of files whose change recycles the app are paths in the app's directory.
AppSpec app_spec(const config::App& app);
DirectorySpec directory_spec(const config::Config& config);

}  // namespace gatehouse
