// What was not typed, from the environment: the value of an option --to stands in GATEHOUSE_TO, or in the file that
// GATEHOUSE_TO_FILE names (secrets of Docker and Kubernetes are such files). An option beats its variable; an empty
// variable is none. Options that may be repeated take one value a line, --to and --listen also commas between them.
// Start-up only, main thread; the environment is read and never changed.
//
//   --to typed  >  GATEHOUSE_TO or GATEHOUSE_TO_FILE (both: an error)  >  the option's default
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace CLI {
class App;
}

namespace gatehouse {

// Options by where their values really stand: "--to" -> "GATEHOUSE_TO". What is not here was typed, or not said at
// all.
using OptionVariables = std::map<std::string, std::string, std::less<>>;

struct VariableValue {
  // The one that is set: GATEHOUSE_TO or GATEHOUSE_TO_FILE.
  std::string variable;
  // Not empty, without white space at its ends.
  std::string value;
};

// "--private-key" -> "GATEHOUSE_PRIVATE_KEY"
std::string variable_of(std::string_view option);

// What the environment says of an option. Errors name the variable: both are set, or the file cannot be read or says
// nothing. For --certificate and --private-key, whose values are paths, a file that holds PEM is itself the value,
// and PEM in the variable an error.
Result<std::optional<VariableValue>> variable_value(std::string_view option);

// Adds to the help of `command` the variable of each option, and a word on how they are read.
void describe_variables(CLI::App& command);

// Gives options of `command` that were not typed the values of their variables, and returns which variables those
// were. Throws what CLI11 throws for a bad command line, with the variable in place of the option.
OptionVariables take_variables(CLI::App& command);

// The same for what `option` stands for, unless it was typed: `value` is not empty then.
void take_variable(std::string_view option, std::string& value);

// One sentence for each variable that is probably meant to be one of the commands', and is not.
std::vector<std::string> doubtful_variables(const std::vector<const CLI::App*>& commands);

}  // namespace gatehouse
