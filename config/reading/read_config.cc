#include <format>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/quoting.h"
#include "config/reading/sections.h"

namespace gatehouse::config {

namespace {

// One of the files, beside what others have said.
class Part {
 public:
  Part(TableReader& reader, Merge& merge) : reader_(reader), merge_(merge) {}

  // Reads a table that one file has; of another file's only what is wrong in it is said, and that there are two.
  template <class T>
  void once(std::string_view key, T& value, void (*read)(TableReader&, T&)) {
    const bool first = is_first(key);
    reader_.table(key, [&](TableReader& table) {
      T other;
      read(table, first ? value : other);
    });
  }

  // Reads tables with names, which all files share.
  template <class T>
  void named(std::string_view key, std::vector<T>& targets, void (*read)(const std::string&, TableReader&, T&)) {
    reader_.named_tables(key, [&](const std::string& name, TableReader& table) {
      T target;
      read(name, table, target);
      const auto [at, is_new] = merge_.places.emplace(std::format("{}.{}", key, name), table.location());
      if (is_new) {
        targets.push_back(std::move(target));
      } else {
        table.error(table.location(),
                    std::format("{} is the name of one of [{}] in {} already; all files share their names",
                                in_quotes(name), key, to_string(at->second)));
      }
    });
  }

 private:
  bool is_first(std::string_view key) {
    if (!reader_.has(key)) return true;
    const Location here = reader_.location(key);
    const auto [at, is_new] = merge_.places.emplace(key, here);
    if (!is_new) {
      reader_.error(here,
                    std::format("[{}] is in {} already; all of it stands in one file", key, to_string(at->second)));
    }
    return is_new;
  }

  TableReader& reader_;
  Merge& merge_;
};

}  // namespace

void read_config(TableReader& reader, Config& config, Merge& merge) {
  Part part(reader, merge);
  part.once("server", config.server, read_server);
  part.once("log", config.log, read_log);
  if (reader.has("listeners")) merge.listeners = reader.location("listeners");
  if (reader.has("routes")) merge.routes = reader.location("routes");
  reader.tables("listeners", [&](TableReader& table) { read_listener(table, config.listeners.emplace_back()); });
  reader.tables("routes", [&](TableReader& table) { read_route(table, config.routes.emplace_back()); });
  part.named("upstreams", config.upstreams, read_upstream);
  part.named("apps", config.apps, read_app);
  part.once("cache", config.cache, read_cache_limits);
  reader.tables("reservations",
                [&](TableReader& table) { read_reservation(table, config.reservations.emplace_back()); });
  part.once("limits", config.limits, read_limits);
  part.once("timeouts", config.timeouts, read_timeouts);
}

void check_complete(Reading& reading, const Config& config, const Merge& merge) {
  const auto place = [&](const Location& written) {
    return written.line == 0 ? Location{.file = config.file} : written;
  };
  if (config.listeners.empty() && !reading.unread.contains("listeners")) {
    reading.error(place(merge.listeners), "no listeners; add [[listeners]] with address = \":8443\"");
  }
  const bool serves = !config.routes.empty() || !config.reservations.empty();
  if (!serves && !reading.unread.contains("routes")) {
    reading.error(place(merge.routes),
                  "no routes; add [[routes]] with to = \"NAME\" and [upstreams.NAME] or [apps.NAME]");
  }
}

}  // namespace gatehouse::config
