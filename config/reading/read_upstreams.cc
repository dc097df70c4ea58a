#include <algorithm>
#include <cstdint>
#include <format>
#include <string>
#include <utility>
#include <vector>

#include "config/quoting.h"
#include "config/reading/sections.h"
#include "config/target_rules.h"

namespace gatehouse::config {

namespace {

constexpr std::uint32_t kGreatestWeight = 1000;

// False if it is none.
bool add_endpoint(TableReader& reader, const std::string& text, const Location& where,
                  std::vector<Endpoint>& endpoints) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) {
    reader.error(where, endpoint.error().message);
    return false;
  }
  if (std::ranges::contains(endpoints, *endpoint, &Endpoint::at)) {
    reader.error(where, std::format("the endpoint {} is listed twice", in_quotes(text)));
    return false;
  }
  endpoints.push_back({.at = *std::move(endpoint), .location = where});
  return true;
}

void read_endpoint_table(TableReader& element, std::vector<Endpoint>& endpoints) {
  std::string text;
  std::uint32_t weight = 1;
  const bool has_address = element.read("address", text);
  element.read("weight", weight, {.min = 1, .max = kGreatestWeight});
  if (!has_address) {
    if (!element.has("address")) element.error("address", "an endpoint needs an \"address\"");
  } else if (add_endpoint(element, text, element.location("address"), endpoints)) {
    endpoints.back().weight = weight;
  }
}

void read_endpoints(TableReader& reader, Upstream& upstream) {
  const bool given = reader.strings_or_tables(
      "endpoints",
      [&](const std::string& text, const Location& where) { add_endpoint(reader, text, where, upstream.endpoints); },
      [&](TableReader& element) { read_endpoint_table(element, upstream.endpoints); });
  if (given ? reader.is_empty_array("endpoints") : !reader.has("endpoints")) {
    reader.error("endpoints", std::format(R"(the upstream {} needs endpoints, such as endpoints = ["127.0.0.1:5000"])",
                                          in_quotes(upstream.name)));
  }
}

}  // namespace

void read_upstream(const std::string& name, TableReader& reader, Upstream& upstream) {
  upstream.name = name;
  upstream.location = reader.location();
  if (!is_target_name(name)) {
    reader.error(reader.location(),
                 std::format("{} is no name for an upstream; use at most 64 letters, digits, \"-\", \"_\" and \".\"",
                             in_quotes(name)));
  }
  read_endpoints(reader, upstream);
  read_balancing(reader, upstream.balancing);
}

}  // namespace gatehouse::config
