// /status.json: everything that the status tells, as one JSON object whose members deploy/status.md documents. What
// other forms show (the page, the table) they read out of it. Pure but for the process id; control thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "proxy/admin/status_facts.h"

namespace gatehouse {

// The version of the schema: members may be added without a new one, none goes or changes its meaning.
inline constexpr int kStatusSchema = 1;

// One line without a line break. What is not UTF-8 (a path in a configuration, what an app printed) becomes U+FFFD.
std::string status_json(const StatusFacts& facts);

// Parts of it, in files of their own: status_upstreams.cc has upstreams() and apps(), status_verdict.cc has verdict().
namespace status_parts {
// Rates and quantiles of a route, an upstream or an endpoint.
nlohmann::ordered_json recent(const RecentTraffic::Figures& figures);
// An array of all upstreams with their endpoints, apps among them.
nlohmann::ordered_json upstreams(const StatusFacts& facts);
// An array of all apps with their instances and, where one has failed, the last lines that it printed.
nlohmann::ordered_json apps(const StatusFacts& facts);
// What a person should know first: {"level": "ok"|"warning"|"critical", "causes": 3, "reasons": [...]}, one reason for
// each cause, the gravest first, and 20 of them at most before one that says how many more there are. It looks only at
// what the rest of the status says, so that every reason can be followed up there: "about" says where. REQUIRES:
// `status` has everything but its verdict.
nlohmann::ordered_json verdict(const nlohmann::ordered_json& status);
}  // namespace status_parts

}  // namespace gatehouse
