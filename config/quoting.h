// How text from a configuration file appears in a diagnostic: in quotes, on one line, at a length that people read.
// Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gatehouse::config {

// Returns `text` in double quotes; control bytes, quotes and backslashes escaped as TOML escapes them, U+FFFD for bytes
// that are not UTF-8. Of more than 80 bytes the first 80 are shown, fewer if a character would be cut, with "..." behind
// the closing quote.
std::string in_quotes(std::string_view text);

// The words that would be right: `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
std::string one_of(std::span<const std::string_view> words);

// Returns `text` as a TOML basic string: in_quotes(), never cut. TOML has no way to say bytes that are not UTF-8. A
// file has none, but the environment and the command line may.
std::string toml_string(std::string_view text);

}  // namespace gatehouse::config
