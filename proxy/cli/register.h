// `gatehouse register PREFIX --to ADDRESS | -- COMMAND`: holds a registration for as long as it runs, and with a command
// for as long as that runs, which it starts, watches and ends. Talks to the registration socket of a running process
// (registration_socket.h), and connects again when that was restarted. Blocking; main thread of its process.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gatehouse {

struct RegisterOptions {
  // As https://shop.example.com/orders/.
  std::string prefix;
  // 127.0.0.1:PORT, or unix:PATH; empty where there is a command.
  std::string to;
  // Empty: none.
  std::vector<std::string> command;
  // The registration socket; empty: the usual place.
  std::string socket;
};

// PREFIX and the options; not what stands behind "--".
void add_register_options(CLI::App& command, RegisterOptions& options);

// Cuts off what stands behind "--", and that, where the words are those of `register`: CLI11 reads more than words into them.
std::vector<std::string> take_registered_command(std::vector<std::string>& words);

// Returns the exit code: the command's, 0 if it was ended by a signal, 1 if the prefix was refused or taken away, 2 if
// there is not one of a command and an address.
int run_register(const RegisterOptions& options);

}  // namespace gatehouse
