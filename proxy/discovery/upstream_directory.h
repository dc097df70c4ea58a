// Every upstream by name, and what keeps its endpoints true: listed addresses and DNS names, apps and their processes,
// health checks, ejection. Memberships live here from one configuration to the next. Owned by the Server, outlives the
// workers; the control thread's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/waker.h"
#include "config/config.h"
#include "proxy/apps/app_host.h"
#include "proxy/discovery/endpoint_registry.h"
#include "proxy/discovery/endpoint_troubles.h"
#include "proxy/discovery/hosted_app.h"
#include "proxy/discovery/listed_endpoints.h"
#include "proxy/discovery/resolver.h"
#include "proxy/health/health_checker.h"
#include "proxy/health/outlier.h"
#include "proxy/health/probe.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class UpstreamDirectory {
 public:
  // `metrics` outlives it. `changed`: endpoints have come or gone; told once for all changes of a turn.
  UpstreamDirectory(EventLoop& loop, ControlMetrics& metrics, std::move_only_function<void()> changed);
  ~UpstreamDirectory();
  UpstreamDirectory(const UpstreamDirectory&) = delete;
  UpstreamDirectory& operator=(const UpstreamDirectory&) = delete;

  // Of an upstream or app. A new one has no endpoints, and requests wait, until configure() knows it.
  std::shared_ptr<Membership> membership(const std::string& name);

  // A configuration comes into force. What it says as before is not touched.
  void configure(const config::Config& config);
  void forget_unused();  // once no worker uses the configuration of before

  Result<std::string> command(std::string_view app, std::string_view verb);
  void shut_down(std::move_only_function<void()> done);  // of the apps; `done` once no process is left

  std::vector<AppView> apps() const;
  EndpointTroubles& troubles() { return troubles_; }
  void forget_troubles();                    // of endpoints that have served since
  void note(ControlMetrics& metrics) const;  // the state of endpoints and apps, for a scrape

 private:
  struct Entry {
    std::shared_ptr<Membership> membership;
    OutlierOptions outlier;
    std::unique_ptr<ListedEndpoints> listed;  // an upstream
    std::unique_ptr<HostedApp> hosted;        // an app
  };

  void configure_upstreams(const config::Config& config);
  void configure_apps(const config::Config& config);
  void count_from_zero(const std::string& app);
  void configure_health(const config::Config& config);
  void on_app_event(AppEvent event);
  void on_health_check(const HealthCheckResult& result);
  HostedApp* hosted(const std::string& app);
  std::shared_ptr<void> probe(AppProbe request, std::move_only_function<void(std::optional<int>)> on_status);
  AppHost& apps_running();

  EventLoop& loop_;
  ControlMetrics& metrics_;
  Waker changed_;
  EndpointRegistry registry_;
  std::unique_ptr<Resolver> resolver_;  // once a name is listed
  HealthChecker checker_;
  OutlierDetector outliers_;
  EndpointTroubles troubles_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::unique_ptr<HostedApp>>
      leaving_;                    // apps that are gone from the configuration, not yet ended
  std::unique_ptr<AppHost> host_;  // once there is an app
};

}  // namespace gatehouse
