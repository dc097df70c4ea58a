// What people type who know other programs, or who mistype: some of it means something here, and for the rest there is
// one line that says what was probably meant. Pure but for a look at whether a file exists; main thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace gatehouse {

// The words behind the program's name with "-t" (nginx, also with -c FILE before it) as "check".
std::vector<std::string> without_habits(std::span<const char* const> words);

// The command of that name; null: there is none.
const CLI::App* command_named(const CLI::App& app, const std::string& name);

// Says that `word` is no command, and which one is meant: "no command \"relod\"; did you mean \"reload\"?".
std::string unknown_command(const CLI::App& app, const std::string& word);

// What CLI11 found wrong, in one line without its end, with the nearest option where one is unknown.
std::string complaint_of(const CLI::App& app, const CLI::ParseError& error);

// What there is to begin with, for who has typed nothing.
std::string overview();

}  // namespace gatehouse
