// The sections of a file: each function reads one table into its struct and says what is wrong inside it. Together
// they are the schema. What only shows when sections are held against each other is for validate.h. One load, one
// thread.
//
// A value that is wrong is reported to the reader and leaves the default, or nothing, in its place; reading goes on. So
// each function also runs with no table at all, when only the keys are wanted (TableReader::read_document()): it asks
// for the same keys whatever it has read before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/reading/toml_reader.h"
#include "config/route_rules.h"

namespace gatehouse::config {

// What is known of a configuration beside what it says, while its files are read one after the other.
struct Merge {
  // Where the tables are that only one file may have ("server"), and those that have names ("upstreams.shop").
  std::map<std::string, Location> places;
  // Where `listeners` and `routes` are written, if anywhere.
  Location listeners;
  Location routes;
};

// The whole of one file: calls those below for its tables. What other files have said is kept, and not said twice.
void read_config(TableReader& reader, Config& config, Merge& merge);

// Asks for at least one listener and one route, once all files are read.
void check_complete(Reading& reading, const Config& config, const Merge& merge);

void read_server(TableReader& reader, Server& server);
void read_log(TableReader& reader, Log& log);
void read_listener(TableReader& reader, Listener& listener);
void read_route(TableReader& reader, Route& route);
// Sets `auth`. REQUIRES: `connection_auth` has been read
void read_auth(TableReader& reader, Route& route);
void read_upstream(const std::string& name, TableReader& reader, Upstream& upstream);
void read_app(const std::string& name, TableReader& reader, App& app);
void read_cache_limits(TableReader& reader, CacheLimits& limits);
void read_reservation(TableReader& reader, Reservation& reservation);
void read_limits(TableReader& reader, Limits& limits);
void read_timeouts(TableReader& reader, Timeouts& timeouts);

// Parts that several sections have.

// Statuses of final responses.
constexpr std::uint16_t kLowestStatus = 200;
constexpr std::uint16_t kHighestStatus = 599;

// Of [limits] and [routes.limits]. Whether it is there and right; nullopt is "off".
bool read_max_request_body(TableReader& reader, std::optional<std::uint64_t>& value);
// Likewise, in bytes a second; 0 is "off".
bool read_min_rate(TableReader& reader, std::string_view key, std::uint32_t& value);
bool read_bandwidth(TableReader& reader, std::uint64_t& value);
// Names and values of header fields, each name once.
void read_header_fields(TableReader& reader, std::string_view key,
                        std::vector<std::pair<std::string, std::string>>& fields, Edit edit);
// What upstreams and apps share, with pool, health, outlier and sticky.
void read_balancing(TableReader& reader, Balancing& balancing);
// Sets `health` and `slow_start`.
void read_health(TableReader& reader, Balancing& balancing);
void read_outlier(TableReader& reader, OutlierOptions& outlier);

}  // namespace gatehouse::config
