// Every upstream by name, and what keeps its endpoints true: listed addresses and DNS names, apps and their processes,
// health checks, ejection. Memberships live here from one configuration to the next. Owned by the Server, outlives the
// workers and the loop's last turn (a dry run has one of its own, which is never configured); the control thread's.
//
//   UpstreamDirectory --owns--> entries_: Membership, with ListedEndpoints (an upstream) or HostedApp (an app)
//                     --owns--> AppHost         the processes; its events come back through the loop
//                     --owns--> HealthChecker, OutlierDetector --> Endpoint::set, clear
//                     --owns--> Resolver, EndpointRegistry, EndpointTroubles
//   a worker --Membership's hooks, posted--> the app is started, the endpoint is ejected
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/waker.h"
#include "proxy/apps/app_host.h"
#include "proxy/discovery/endpoint_registry.h"
#include "proxy/discovery/endpoint_troubles.h"
#include "proxy/discovery/failing_endpoints.h"
#include "proxy/discovery/hosted_app.h"
#include "proxy/discovery/listed_endpoints.h"
#include "proxy/discovery/resolver.h"
#include "proxy/discovery/upstream_spec.h"
#include "proxy/health/health_checker.h"
#include "proxy/health/outlier.h"
#include "proxy/health/probe.h"
#include "proxy/observe/control_metrics.h"
#include "proxy/upstream/membership.h"

namespace gatehouse {

class UpstreamDirectory {
 public:
  // `metrics` outlives it. `changed` is called when endpoints have come or gone, once for all changes of a turn.
  UpstreamDirectory(EventLoop& loop, ControlMetrics& metrics, std::move_only_function<void()> changed);
  ~UpstreamDirectory();
  UpstreamDirectory(const UpstreamDirectory&) = delete;
  UpstreamDirectory& operator=(const UpstreamDirectory&) = delete;

  // Returns the membership of an upstream or app. A new one has no endpoints, and requests wait, until configure()
  // knows it. One that the next configure() does not name is forgotten.
  std::shared_ptr<Membership> membership(const std::string& name);

  // A configuration comes into force: `spec` is all that there is from now on. What it says as before is not touched.
  // Apps that are gone are drained and stopped; their endpoints are looked after until then.
  void configure(const DirectorySpec& spec);
  // Forgets listed endpoints that nobody holds any more, for when the workers have taken a configuration over.
  void forget_unused();

  // Tells an app what to do: "recycle", "stop", "start", "offline" or "online". Returns a sentence about what happens
  // now, or why it cannot be done: there is no such command, or no such app.
  Result<std::string> command(std::string_view app, std::string_view verb);
  // `ended` is told of each process of an app that has ended, from the loop and never inside a call of this.
  void watch_ends(std::move_only_function<void(const app_event::Ended&)> ended) { ended_ = std::move(ended); }
  // Stops all apps. `done` is called once, when no process is left; at once where there never was an app.
  void shut_down(std::move_only_function<void()> done);

  // The apps as they are now; those that are leaving are included.
  std::vector<AppView> apps() const;
  EndpointTroubles& troubles() { return troubles_.noted; }
  // Forgets the faults of endpoints that have served since, for whoever is about to read troubles().
  void forget_troubles();
  // Tells the log of endpoints that have begun to fail, or have ended it. To be called about once a second.
  void tell_failing();
  // Writes the state of endpoints and apps, for a scrape, in place of what was there.
  void note(ControlMetrics& metrics) const;

 private:
  struct Entry {
    std::shared_ptr<Membership> membership;
    OutlierOptions outlier;
    // Of an upstream; null for an app.
    std::unique_ptr<ListedEndpoints> listed;
    // Of an app; null for an upstream.
    std::unique_ptr<HostedApp> hosted;
  };

  // Takes the app from its entry; it stays until its last process has ended.
  void let_go(const std::string& name, Entry& entry);
  void configure_upstreams(const std::vector<UpstreamSpec>& upstreams);
  void configure_apps(const DirectorySpec& spec);
  void count_from_zero(const AppSpec& spec);
  void configure_health(const DirectorySpec& spec);
  void on_app_event(AppEvent event);
  void on_health_check(const HealthCheckResult& result);
  HostedApp* hosted(const std::string& app);
  std::shared_ptr<void> probe(AppProbe request, std::move_only_function<void(std::optional<int>)> on_status);
  AppHost& apps_running();

  EventLoop& loop_;
  ControlMetrics& metrics_;
  Waker changed_;
  std::move_only_function<void(const app_event::Ended&)> ended_;
  EndpointRegistry registry_;
  // Made when the first upstream is configured.
  std::unique_ptr<Resolver> resolver_;
  HealthChecker checker_;
  OutlierDetector outliers_;
  // What has been wrong with endpoints, and which fail now.
  struct Troubles {
    EndpointTroubles noted;
    FailingEndpoints failing;
  } troubles_;
  std::map<std::string, Entry> entries_;
  // Apps that are gone from the configuration, not yet ended. One that comes back is taken from here, and has the same
  // membership; an upstream of its name has that one, too.
  std::map<std::string, std::unique_ptr<HostedApp>> leaving_;
  // Made once there is an app, or a process that a former self has left behind.
  std::unique_ptr<AppHost> host_;
};

}  // namespace gatehouse
