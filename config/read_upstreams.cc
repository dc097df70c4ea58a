#include <algorithm>
#include <format>
#include <string>
#include <string_view>
#include <utility>

#include "common/address.h"
#include "config/names.h"
#include "config/quoting.h"
#include "config/sections.h"

namespace gatehouse::config {

namespace {

constexpr std::size_t kLongestName = 64;

// The name is a label of metrics and a field of logs.
bool is_good_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

void add_endpoint(TableReader& reader, const std::string& text, const Location& where,
                  std::vector<Endpoint>& endpoints) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string::npos) {
    reader.error(
        where, std::format("an endpoint is an address without a scheme; write {}", in_quotes(text.substr(scheme + 3))));
    return;
  }
  const auto address = Address::parse(text);
  if (!address) {
    reader.error(where, std::format("\"endpoints\": {}", address.error().message));
  } else if (!address->is_unix() && (address->is_any() || address->port() == 0)) {
    reader.error(where,
                 std::format("{} is no endpoint: it needs the address of a host and a port, such as \"127.0.0.1:5000\"",
                             in_quotes(text)));
  } else if (std::ranges::contains(endpoints, *address, &Endpoint::address)) {
    reader.error(where, std::format("the endpoint {} is listed twice", in_quotes(text)));
  } else {
    endpoints.push_back({.address = *address, .location = where});
  }
}

void read_endpoints(TableReader& reader, Upstream& upstream) {
  const bool given = reader.strings_or_tables(
      "endpoints",
      [&](const std::string& text, const Location& where) { add_endpoint(reader, text, where, upstream.endpoints); },
      [&](TableReader& element) {
        std::string text;
        if (element.read("address", text)) {
          add_endpoint(element, text, element.location("address"), upstream.endpoints);
        } else if (!element.has("address")) {
          element.error("address", "an endpoint needs an \"address\"");
        }
      });
  if (given ? reader.is_empty_array("endpoints") : !reader.has("endpoints")) {
    reader.error("endpoints", std::format(R"(the upstream {} needs endpoints, such as endpoints = ["127.0.0.1:5000"])",
                                          in_quotes(upstream.name)));
  }
}

}  // namespace

void read_upstream(const std::string& name, TableReader& reader, Upstream& upstream) {
  upstream.name = name;
  upstream.location = reader.location();
  if (!is_good_name(name)) {
    reader.error(reader.location(),
                 std::format("{} is no name for an upstream; use at most {} letters, digits, \"-\", \"_\" and \".\"",
                             in_quotes(name), kLongestName));
  }
  read_endpoints(reader, upstream);
  reader.read("balance", upstream.balance, kBalanceNames);
  reader.read("max_requests", upstream.max_requests);
  reader.read("queue", upstream.queue);
  reader.read("queue_timeout", upstream.queue_timeout);
  reader.table("pool", [&](TableReader& pool) {
    pool.read("idle_timeout", upstream.pool.idle_timeout);
    pool.read("max_idle", upstream.pool.max_idle);
  });
}

}  // namespace gatehouse::config
