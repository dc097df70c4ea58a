#include "proxy/cli/habits.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/text.h"
#include "common/version.h"

namespace gatehouse {
namespace {

struct Synonym {
  std::string_view word;
  std::string_view command;
};

// What other servers, service managers and container engines call it.
constexpr std::array<Synonym, 18> kSynonyms{{{"start", "run"},
                                             {"serve", "run"},
                                             {"up", "run"},
                                             {"validate", "check"},
                                             {"test", "check"},
                                             {"configtest", "check"},
                                             {"verify", "check"},
                                             {"restart", "reload"},
                                             {"quit", "stop"},
                                             {"shutdown", "stop"},
                                             {"kill", "stop"},
                                             {"ps", "status"},
                                             {"list", "status"},
                                             {"top", "status"},
                                             {"reverse-proxy", "proxy"},
                                             {"exec", "host"},
                                             {"health", "healthcheck"},
                                             {"diagnose", "doctor"}}};

std::string command_meant(const CLI::App& app, std::string_view word) {
  const auto* const synonym = std::ranges::find(kSynonyms, word, &Synonym::word);
  if (synonym != kSynonyms.end()) return std::string(synonym->command);
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    names.push_back(command->get_name());
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return std::string(text::nearest(word, candidates));
}

std::string option_meant(const CLI::App& command, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return std::string(text::nearest(word.substr(0, word.find('=')), candidates));
}

bool is_file(const std::string& word) {
  std::error_code error;
  return std::filesystem::is_regular_file(word, error);
}

bool names_a_file(std::string_view word) {
  return word == "-c" || word == "--config";
}

}  // namespace

std::vector<std::string> without_habits(std::span<const char* const> words) {
  std::vector<std::string> plain(words.begin(), words.end());
  const bool behind_file = plain.size() > 2 && names_a_file(plain[0]) && plain[2] == "-t";
  if (behind_file) std::ranges::rotate(plain.begin(), plain.begin() + 2, plain.begin() + 3);
  if (!plain.empty() && plain[0] == "-t") plain[0] = "check";
  return plain;
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](const CLI::App* each) { return each->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

std::string unknown_command(const CLI::App& app, const std::string& word) {
  if (word.ends_with(".toml") || is_file(word)) {
    return std::format("\"{0}\" is a file; did you mean \"gatehouse run {0}\"?", word);
  }
  const std::string meant = command_meant(app, word);
  return meant.empty() ? std::format("no command \"{}\"", word)
                       : std::format("no command \"{}\"; did you mean \"{}\"?", word, meant);
}

std::string complaint_of(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() || !app.remaining().empty() ? app : *chosen.back();
  std::vector<std::string> rest = command.remaining();
  rest.erase(std::ranges::find(rest, "--"), rest.end());
  if (rest.empty()) return error.what();
  const auto option = std::ranges::find_if(rest, [](const std::string& word) { return word.starts_with('-'); });
  if (option == rest.end()) return std::format("\"{}\" is one word too many", rest.front());
  const std::string meant = option_meant(command, *option);
  return std::format("no option \"{}\"{}{}", *option, &command == &app ? " before a command" : "",
                     meant.empty() ? "" : std::format("; did you mean \"{}\"?", meant));
}

std::string overview() {
  return std::format(R"(Gatehouse {}: a reverse proxy and application host

  gatehouse proxy localhost:5000     front what listens there, on https://localhost:8443
  gatehouse host -- python3 app.py   start an application and front it
  gatehouse run gatehouse.toml       serve a configuration; check says what is wrong with it
  gatehouse status                   what runs, how well, and if not why

All commands: gatehouse help
)",
                     kProgramVersion);
}

}  // namespace gatehouse
