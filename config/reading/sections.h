// The sections of the file: each function reads one table into its struct and says what is wrong inside it. Together
// they are the schema. What only shows when sections are held against each other is for validate.h. One load, one
// thread.
//
// A value that is wrong is reported to the reader and leaves the default, or nothing, in its place; reading goes on. So
// each function also runs with no table at all, when only the keys are wanted (TableReader::read_document()): it asks
// for the same keys whatever it has read before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/reading/toml_reader.h"

namespace gatehouse::config {

// The whole file: calls those below for its tables, and asks for at least one listener and one route.
void read_config(TableReader& reader, Config& config);

void read_server(TableReader& reader, Server& server);
void read_log(TableReader& reader, Log& log);
void read_listener(TableReader& reader, Listener& listener);
void read_route(TableReader& reader, Route& route);
void read_upstream(const std::string& name, TableReader& reader, Upstream& upstream);
void read_app(const std::string& name, TableReader& reader, App& app);
void read_limits(TableReader& reader, Limits& limits);
void read_timeouts(TableReader& reader, Timeouts& timeouts);

// Parts that several sections have.

// Of [limits] and [routes.limits]. Whether it is there and right; nullopt is "off".
bool read_max_request_body(TableReader& reader, std::optional<std::uint64_t>& value);
// What upstreams and apps share, with pool, health, outlier and sticky.
void read_balancing(TableReader& reader, Balancing& balancing);
// Sets `health` and `slow_start`.
void read_health(TableReader& reader, Balancing& balancing);
void read_outlier(TableReader& reader, OutlierOptions& outlier);

}  // namespace gatehouse::config
