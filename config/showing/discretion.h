// Lines of a configuration that are shown to people without the secrets that stand in them: where a key or a value looks
// like one, each character of the value becomes a star. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::config {

// Returns `line` with stars for the values on a line that speaks of passwords, tokens and the like, for what stands
// before "@" in a URL, and for long runs of letters and digits that no word is. It has as many characters as before.
std::string without_secrets(std::string_view line);

}  // namespace gatehouse::config
