#include <utility>

#include "config/reading/sections.h"

namespace gatehouse::config {

void read_config(TableReader& reader, Config& config) {
  reader.table("server", [&](TableReader& table) { read_server(table, config.server); });
  reader.table("log", [&](TableReader& table) { read_log(table, config.log); });
  const bool listeners =
      reader.tables("listeners", [&](TableReader& table) { read_listener(table, config.listeners.emplace_back()); });
  const bool routes =
      reader.tables("routes", [&](TableReader& table) { read_route(table, config.routes.emplace_back()); });
  reader.named_tables("upstreams", [&](const std::string& name, TableReader& table) {
    read_upstream(name, table, config.upstreams.emplace_back());
  });
  reader.named_tables(
      "apps", [&](const std::string& name, TableReader& table) { read_app(name, table, config.apps.emplace_back()); });
  reader.table("limits", [&](TableReader& table) { read_limits(table, config.limits); });
  reader.table("timeouts", [&](TableReader& table) { read_timeouts(table, config.timeouts); });

  if (listeners ? config.listeners.empty() : !reader.has("listeners")) {
    reader.error("listeners", "no listeners; add [[listeners]] with address = \":8443\"");
  }
  if (routes ? config.routes.empty() : !reader.has("routes")) {
    reader.error("routes", "no routes; add [[routes]] with to = \"NAME\" and [upstreams.NAME] or [apps.NAME]");
  }
}

}  // namespace gatehouse::config
