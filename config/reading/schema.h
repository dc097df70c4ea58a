// Which keys there are, as the reading functions ask for them: for the tests that hold reference.toml against the code.
// "listeners.tls.min_version", with NAME where the user chooses one: "upstreams.NAME.queue". For those tests only; both
// are defined in load.cc. They read the environment, as load() does, and change nothing.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace gatehouse::config {

// Every key, and the tables that hold keys.
std::set<std::string> known_keys();

// The known keys that `text` uses; none if it is no TOML.
std::set<std::string> used_keys(std::string_view text);

}  // namespace gatehouse::config
