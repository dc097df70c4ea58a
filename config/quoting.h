// How text from a configuration file appears in a diagnostic: in quotes, on one line, at a length that people read.
// Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gatehouse::config {

// `text` in double quotes; control bytes, quotes and backslashes escaped as TOML escapes them; cut at about 80 bytes
// (between characters) with "..." where the cut is.
std::string in_quotes(std::string_view text);

// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
std::string one_of(std::span<const std::string_view> words);

// As a TOML basic string: in_quotes(), never cut. Invalid UTF-8 cannot occur: what is read is valid.
std::string toml_string(std::string_view text);

}  // namespace gatehouse::config
