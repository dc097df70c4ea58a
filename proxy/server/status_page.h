// The plain-text page of /status and `gatehouse status`: what runs, what it listens on, where requests go. Pure
// functions of what the control thread knows.
#pragma once

#include <string>

#include "common/clock.h"
#include "proxy/apps/app_host.h"
#include "proxy/observe/metrics.h"
#include "proxy/server/listener_sockets.h"
#include "proxy/server/snapshot.h"

namespace gatehouse {

struct StatusFacts {
  const ServerStatus& status;
  const Snapshot& snapshot;
  const std::map<std::string, BoundListener>& bound;
  std::vector<AppView> apps;
  MonotonicTime now{};
  std::string config_file;  // empty: made by the command line
  std::size_t workers = 0;
  Duration uptime{};
};

std::string status_page(const StatusFacts& facts);

// A listener's address with the port that it really has: "127.0.0.1:8443".
std::string address_text(const ListenerSnapshot& listener, const std::map<std::string, BoundListener>& bound);
// "h1 h2 h3"
std::string protocols_text(const ListenerSnapshot& listener);

}  // namespace gatehouse
