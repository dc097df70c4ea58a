// What an entry of `include` stands for: one file, or all that match a pattern with "*", "?" or "[...]", as in a shell.
// Looks at folders and changes nothing. What begins with a dot is matched by a dot alone, so that what editors and
// package managers leave behind is no configuration.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::config {

bool is_pattern(std::string_view path);

// Returns `pattern` as one below `folder`, whose own "*", "?", "[" and "\" stand for themselves, or as it is if it is
// absolute; without "." and "..".
std::string pattern_below(std::string_view folder, std::string_view pattern);

// The files that match, sorted by their names as bytes. A folder on the way that is not there has none; one that may not
// be looked into is an error, because nobody knows what it holds.
std::expected<std::vector<std::string>, std::string> files_matching(const std::string& pattern);

// The folder that holds all that can match: what stands before the first special character, as a pattern.
std::string fixed_folder(const std::string& pattern);

// The folders whose entries decide what matches: where they are, and where they would be. Not sorted.
std::vector<std::string> folders_of(const std::string& pattern);

}  // namespace gatehouse::config
