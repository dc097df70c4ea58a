// The command line as data: every command with its options, as CLI11 was told of them. Completions and the manual page
// are written from it, so that none can lack what another has. Values; made and used by one command, then gone.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gatehouse {

// An option, a flag or a positional argument.
struct OptionOutline {
  // "--listen"; "-x" if it has no long name; of a positional one what stands for it: "FILE".
  std::string name;
  std::string help;
  // What follows it, as "TEXT"; empty for a flag and for a positional one.
  std::string value;
  // The words that its value must be one of; empty: any.
  std::vector<std::string> choices;
  bool required = false;
};

struct CommandOutline {
  std::string name;
  std::string help;
  std::vector<OptionOutline> options;
  std::vector<OptionOutline> positionals;
};

// Every command, in the order in which CLI11 was told of them. The first is the program itself; hidden commands and
// options are left out.
std::vector<CommandOutline> outline_of(const CLI::App& app);

}  // namespace gatehouse
