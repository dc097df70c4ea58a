// From the configuration of upstreams and apps to the options of those who carry it out: balancing, health checks,
// ejection, processes. Pure.
#pragma once

#include "config/config.h"
#include "proxy/apps/app_spec.h"
#include "proxy/health/health_checker.h"
#include "proxy/health/outlier.h"
#include "proxy/upstream/upstream.h"

namespace gatehouse {

UpstreamOptions upstream_options(const config::Balancing& balancing);
HealthOptions health_options(const config::Health& health);
OutlierOptions outlier_options(const config::Outlier& outlier);
AppSpec app_spec(const config::App& app, std::chrono::milliseconds drain_timeout);

}  // namespace gatehouse
