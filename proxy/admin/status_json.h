// /status.json: everything that the status tells, as one JSON object whose members deploy/status.md documents. What
// other forms show (the page, the table) they read out of it. Pure functions; control thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "proxy/admin/status_facts.h"

namespace gatehouse {

// The version of the schema: members may be added without a new one, none goes or changes its meaning.
inline constexpr int kStatusSchema = 1;

std::string status_json(const StatusFacts& facts);

// Parts of it, in files of their own.
namespace status_parts {
nlohmann::ordered_json upstreams(const StatusFacts& facts);
nlohmann::ordered_json apps(const StatusFacts& facts);
// What a person should know first, from the rest of it: {"level": "ok"|"warning"|"critical", "reasons": [...]}.
nlohmann::ordered_json verdict(const nlohmann::ordered_json& status);
}  // namespace status_parts

}  // namespace gatehouse
