// Which keys there are, as the reading functions ask for them: for the tests that hold reference.toml against the code.
// "listeners.tls.min_version", with NAME where the user chooses one: "upstreams.NAME.queue". Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace gatehouse::config {

std::set<std::string> known_keys();

// The known keys that `text` uses. REQUIRES: it parses.
std::set<std::string> used_keys(std::string_view text);

}  // namespace gatehouse::config
