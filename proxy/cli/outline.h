// The command line as data: every command with its options, as CLI11 was told of them. Completions and the manual page
// are written from it, so that none can lack what another has. Values; made and used by one command, then gone.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gatehouse {

struct OptionOutline {
  std::string name;  // "--listen"; of a positional one what stands for it: "FILE"
  std::string help;
  std::string value;  // what follows it, as "TEXT"; empty: it is a flag
  std::vector<std::string> choices;
  bool required = false;
};

struct CommandOutline {
  std::string name;
  std::string help;
  std::vector<OptionOutline> options;
  std::vector<OptionOutline> positionals;
};

// The first is the program itself; hidden commands are left out.
std::vector<CommandOutline> outline_of(const CLI::App& app);

}  // namespace gatehouse
