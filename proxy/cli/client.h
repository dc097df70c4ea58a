// The commands that talk to a running process: over its control socket, or to its admin address. Blocking, with time
// limits; main thread of a short-lived process.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/address.h"
#include "common/fd.h"
#include "common/result.h"

namespace gatehouse {

// What the process said of a command.
struct CommandOutcome {
  // Whether the last line was "ok" and not "failed".
  bool ok = false;
  // The lines before that one.
  std::string text;
};

// A connection to a control socket, for one command.
class ControlConnection {
 public:
  // For the process to accept, and then for each time that it says nothing: a reload may have many files to read.
  static constexpr std::chrono::seconds kPatience{600};

  static Result<ControlConnection> open(const std::filesystem::path& socket, std::chrono::seconds patience = kPatience);

  // The process at the other end; 0: the kernel does not say, since it is in another namespace.
  int pid() const { return pid_; }
  // Sends the command and reads until its outcome is there. To be called once. An error: the process could not be
  // reached, or ended without an outcome.
  Result<CommandOutcome> command(std::string_view command);
  // After "stop": waits until the process has ended. Returns false if it has not within `patience`.
  bool await_end(std::chrono::milliseconds patience) const;

 private:
  explicit ControlConnection(Fd socket);

  Fd socket_;
  int pid_ = 0;
  // A pidfd, or none where the kernel gives none: the connection ends shortly before the process then.
  Fd process_;
};

// The outcome of one command on a connection of its own.
Result<CommandOutcome> send_command(const std::filesystem::path& socket, std::string_view command);

// What the instance says of itself, as /status.json has it. Not waited for longer than two seconds: it may hang.
Result<std::string> fetch_status(const std::filesystem::path& socket);

// What --admin names. A port alone is of this machine's loopback address.
Result<Address> admin_address_of(const std::string& text);

// The admin address: the one given, else that of the configuration file, else the default one. A wildcard stands for
// this machine's loopback address. An error if it is turned off or the file cannot be read.
Result<Address> find_admin_address(const std::string& admin, const std::string& config_file);

// The body of a 200 answer to GET `path`; what else was answered is the error. `patience` is for connecting, and for
// each time that nothing comes.
Result<std::string> fetch(const Address& address, std::string_view path,
                          std::chrono::seconds patience = std::chrono::seconds(10));

}  // namespace gatehouse
