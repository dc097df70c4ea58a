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

// Its long name, or else its short one; empty: it is a positional argument and nothing else.
std::string dashed_name(const CLI::Option& option) {
  if (!option.get_lnames().empty()) return "--" + option.get_lnames().front();
  return option.get_snames().empty() ? "" : "-" + option.get_snames().front();
}

OptionOutline outline_of(const CLI::Option& option, std::string name) {
  const std::string type = option.get_type_name();
  OptionOutline outline{.name = std::move(name),
                        .help = option.get_description(),
                        .choices = choices_in(type),
                        .required = option.get_required()};
  const bool takes_value = option.get_expected_max() != 0 && outline.name.starts_with('-');
  if (takes_value) outline.value = type.substr(0, type.find(':'));
  return outline;
}

CommandOutline outline_of_command(const CLI::App& app) {
  CommandOutline outline{.name = app.get_name(), .help = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    // It may be both: FILE and --config FILE.
    if (option->get_positional()) outline.positionals.push_back(outline_of(*option, option->get_name(true)));
    if (std::string name = dashed_name(*option); !name.empty()) {
      outline.options.push_back(outline_of(*option, std::move(name)));
    }
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
