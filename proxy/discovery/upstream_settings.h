// From the configuration of upstreams and apps to the options of those who carry it out: balancing, health checks,
// ejection, processes. Pure, any thread; the configuration is a valid one.
#pragma once

#include "config/config.h"
#include "proxy/apps/app_spec.h"
#include "proxy/health/health_checker.h"
#include "proxy/health/outlier.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

// Without the affinity key and detailed_errors, which SnapshotBuilder sets.
UpstreamOptions upstream_options(const config::Balancing& balancing);
// An empty path: the endpoints are not checked.
HealthOptions health_options(const config::Health& health);
OutlierOptions outlier_options(const config::Outlier& outlier);
// Relative paths of the offline file and of files whose change recycles the app are paths in the app's directory.
// `drain_timeout` is the server's.
AppSpec app_spec(const config::App& app, std::chrono::milliseconds drain_timeout);

}  // namespace gatehouse
