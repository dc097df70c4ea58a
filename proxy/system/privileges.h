// How a process that was started by root becomes another user once its sockets are bound: for good, with that user's
// groups, and with one right kept where the system lets us, that of binding ports below 1024, so that a reload may
// add a listener. The directories that the service manager made for it, its control socket and its log files go over
// to the user, as far as they are root's. Start-up only; the control thread, while the workers do nothing yet.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace gatehouse::privileges {

// Who goes on, and what that user must have. Paths; where a log goes may be a word instead ("stderr").
struct Options {
  struct CertificateFiles {
    std::string certificate;
    std::string private_key;
    std::string passphrase;
  };
  std::string user;
  // Empty: it was made by the command line.
  std::string configuration;
  // Where the control socket is besides its usual place; empty: nowhere.
  std::string control;
  std::vector<std::string> logs;
  std::vector<CertificateFiles> certificates;
};

// Does nothing if we are that user already. Logs what will be out of reach from then on: the configuration and keys
// that a reload must read, logs that are opened again. Fails if there is no such user or we are not root; after a
// failure the process may be half that user and must end. Sets HOME, USER and LOGNAME.
Result<> drop(const Options& options);

}  // namespace gatehouse::privileges
