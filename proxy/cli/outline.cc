#include "proxy/cli/outline.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

namespace gatehouse {
namespace {

// Of "TEXT:{port,socket,inherit}".
std::vector<std::string> choices_in(std::string_view type) {
  const std::size_t begin = type.find(":{");
  const std::size_t end = type.find('}');
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  std::vector<std::string> choices;
  for (std::string_view rest = type.substr(begin + 2, end - begin - 2); !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    choices.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return choices;
}

OptionOutline outline_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const bool flag = option.get_expected_max() == 0;
  OptionOutline outline{
      .help = option.get_description(), .choices = choices_in(type), .required = option.get_required()};
  if (!option.get_lnames().empty()) {
    outline.name = "--" + option.get_lnames().front();
  } else if (!option.get_snames().empty()) {
    outline.name = "-" + option.get_snames().front();
  } else {
    outline.name = option.get_name(true);
  }
  if (!flag && !option.get_positional()) outline.value = type.substr(0, type.find(':'));
  return outline;
}

CommandOutline outline_of_command(const CLI::App& app) {
  CommandOutline outline{.name = app.get_name(), .help = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    auto& list = option->get_positional() ? outline.positionals : outline.options;
    list.push_back(outline_of(*option));
  }
  return outline;
}

}  // namespace

std::vector<CommandOutline> outline_of(const CLI::App& app) {
  std::vector<CommandOutline> commands{outline_of_command(app)};
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* /*any*/) { return true; })) {
    if (!command->get_group().empty()) commands.push_back(outline_of_command(*command));
  }
  return commands;
}

}  // namespace gatehouse
