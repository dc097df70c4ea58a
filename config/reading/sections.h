// The sections of the file: each function reads one table into its struct and says what is wrong inside it. Together
// they are the schema. What only shows when sections are held against each other is for validate.h. One load, one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/reading/toml_reader.h"

namespace gatehouse::config {

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
bool read_max_request_body(TableReader& reader, std::optional<std::uint64_t>& value);
void read_balancing(TableReader& reader, Balancing& balancing);  // what upstreams and apps share
void read_health(TableReader& reader, Health& health);
void read_outlier(TableReader& reader, Outlier& outlier);

}  // namespace gatehouse::config
