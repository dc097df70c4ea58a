#include "proxy/cli/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/text.h"

namespace gatehouse {

namespace {

constexpr std::string_view kPrefix = "GATEHOUSE_";
constexpr std::string_view kFileSuffix = "_FILE";
constexpr std::string_view kWhiteSpace = " \t\r\n";

bool holds_pem(std::string_view value) {
  return value.contains("-----BEGIN ");
}

// Options whose value is the path of such a file, so that a secret may be the file itself.
bool names_pem(std::string_view option) {
  return option == "--certificate" || option == "--private-key";
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1));
}

std::string variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::string() : trimmed(value);
}

Result<std::string> contents_of(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return system_failure("cannot read " + path, EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return system_failure("cannot read " + path, errno != 0 ? errno : ENOENT);
  std::string text = trimmed(std::string(std::istreambuf_iterator<char>(file), {}));
  if (text.empty()) return failure(path + " is empty");
  return text;
}

// The options that have variables: those with a long name, except --help.
std::vector<CLI::Option*> options_of(CLI::App& command) {
  return command.get_options(
      [&](const CLI::Option* option) { return !option->get_lnames().empty() && option != command.get_help_ptr(); });
}

bool repeatable(const CLI::Option& option) {
  return option.get_items_expected_max() > 1;
}

std::vector<std::string> values_of(const CLI::Option& option, const std::string& text) {
  if (!repeatable(option)) return {text};
  const std::string_view separators = option.get_name() == "--env" ? "\n" : "\n,";
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    if (std::string value = trimmed(std::string_view(text).substr(begin, end - begin)); !value.empty()) {
      values.push_back(std::move(value));
    }
    begin = end + 1;
  }
  return values;
}

// As CLI11 says it, but of the variable.
CLI::ValidationError renamed(const CLI::ParseError& error, const std::string& option, const std::string& variable) {
  std::string text = error.what();
  if (const std::size_t at = text.find(option); at != std::string::npos) text.replace(at, option.size(), variable);
  return CLI::ValidationError(text);
}

// What container engines and orchestrators set for a neighbour that is called gatehouse, and what we give to apps.
bool is_of_others(std::string_view name, std::string_view value) {
  if (name == "INSTANCE") return !text::parse_decimal(value);
  return name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_") || name == "NAME";
}

}  // namespace

std::string variable_of(std::string_view option) {
  option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
  std::string name(kPrefix);
  for (const char c : option) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

Result<std::optional<VariableValue>> variable_value(std::string_view option) {
  const std::string name = variable_of(option);
  const std::string file_name = name + std::string(kFileSuffix);
  std::string value = variable(name);
  const std::string file = variable(file_name);
  if (!value.empty() && !file.empty()) return failure(name + " and " + file_name + " are both set; unset one of them");
  if (file.empty()) {
    if (value.empty()) return std::nullopt;
    if (names_pem(option) && holds_pem(value)) {  // which must not be shown, for it may be a key
      return failure(
          std::format("{} is not the path of a file but what should be in it; put it into a file and name "
                      "that in {}",
                      name, file_name));
    }
    return VariableValue{.variable = name, .value = std::move(value)};
  }
  auto text = contents_of(file);
  if (!text) return failure(file_name + ": " + text.error().message, text.error().code);
  return VariableValue{.variable = file_name, .value = names_pem(option) && holds_pem(*text) ? file : *std::move(text)};
}

void describe_variables(CLI::App& command) {
  for (CLI::Option* const option : options_of(command)) {
    option->description(std::format("{} [{}]", option->get_description(), variable_of(option->get_name())));
  }
  command.footer(
      "The variables in brackets give what is not typed: one value a line where an option may be repeated, for\n"
      "--to and --listen also with commas. With _FILE behind its name a variable names a file that holds the\n"
      "value: GATEHOUSE_TO_FILE=/run/secrets/to.");
}

OptionVariables take_variables(CLI::App& command) {
  OptionVariables variables;
  for (CLI::Option* const option : options_of(command)) {
    if (option->count() > 0) continue;
    const std::string& name = option->get_name();
    auto found = variable_value(name);
    if (!found) throw CLI::ValidationError(found.error().message);
    if (!*found) continue;
    try {
      for (std::string& value : values_of(*option, (*found)->value)) option->add_result(std::move(value));
      if (option->count() == 0) continue;  // nothing but separators
      option->run_callback();
    } catch (const CLI::ParseError& error) {
      throw renamed(error, name, (*found)->variable);
    }
    variables.emplace(name, std::move((*found)->variable));
  }
  return variables;
}

void take_variable(std::string_view option, std::string& value) {
  if (!value.empty()) return;
  auto found = variable_value(option);
  if (!found) throw CLI::ValidationError(found.error().message);
  if (*found) value = std::move((*found)->value);
}

std::vector<std::string> doubtful_variables(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> known;
  for (const CLI::App* const command : commands) {
    for (const CLI::Option* const option : command->get_options()) {
      if (option->get_lnames().empty()) continue;
      known.push_back(variable_of(option->get_name()).substr(kPrefix.size()));
      known.push_back(known.back() + std::string(kFileSuffix));
    }
  }
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  std::vector<std::string> sentences;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !text.starts_with(kPrefix)) continue;
    const std::string_view name = text.substr(kPrefix.size(), equals - kPrefix.size());
    if (std::ranges::contains(candidates, name) || is_of_others(name, text.substr(equals + 1))) continue;
    const std::string_view meant = text::nearest(name, candidates);
    if (meant.empty()) continue;
    sentences.push_back(std::format("{}{} is not used; is {}{} meant?", kPrefix, name, kPrefix, meant));
  }
  return sentences;
}

}  // namespace gatehouse
