// What an app is: how its processes are started, where they listen, when they are ready, replaced and stopped. Plain
// values that `discovery` makes of a validated configuration; nothing is checked here. Equal specs mean that nothing
// about the app has changed; one that differs in more than `instances`, `asked` and `hooks` recycles it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/policy/apps.h"

namespace gatehouse {

struct AppSpec {
  struct Process {
    // The program and its arguments, run without a shell; never empty. In it and in the values of `environment`
    // "{port}" and "{socket}" stand for where an instance is to listen.
    std::vector<std::string> command;
    // Where it is run, absolute. Empty: our own.
    std::string directory;
    // Variables that win over the allowed ones of ours and those of `environment_file`.
    std::vector<std::pair<std::string, std::string>> environment;
    // Lines NAME=value, read at every start. Empty: none.
    std::string environment_file;
    // Names, or beginnings of names ("DB_*"), of variables of ours that it gets too.
    std::vector<std::string> environment_from;
    // Who it runs as. Empty: who we are.
    std::string user;
    // What asks it to end, SIGTERM if nothing else is said.
    int stop_signal = defaults::kStopSignal;
    friend bool operator==(const Process&, const Process&) = default;
  };
  struct Output {
    AppOutput kind = AppOutput::kLog;
    // The file, with kFile; absolute.
    std::string path;
    friend bool operator==(const Output&, const Output&) = default;
  };
  struct Timing {
    // From its start until it is ready; also the limit of each warm-up request.
    std::chrono::milliseconds start_timeout = defaults::kStartTimeout;
    // From the stop signal to the kill.
    std::chrono::milliseconds stop_timeout = defaults::kStopTimeout;
    // The app stops when nobody has asked for it for so long; 0: never.
    std::chrono::milliseconds idle_stop{0};
    friend bool operator==(const Timing&, const Timing&) = default;
  };
  struct Readiness {
    // A GET of this path must be answered with 2xx or 3xx. Empty: the instance is ready when its socket accepts,
    // which an inherited one does at once.
    std::string path;
    // Paths that are asked for, in order, before an instance takes traffic; any answer will do.
    std::vector<std::string> warmup;
    friend bool operator==(const Readiness&, const Readiness&) = default;
  };

  // How requests of ours look: those of readiness and warm-up.
  struct Asked {
    // What Host says. Empty: the address where it listens.
    std::string host;
    std::vector<std::pair<std::string, std::string>> headers;
    friend bool operator==(const Asked&, const Asked&) = default;
  };

  std::string name;
  Process process;
  // How many processes, each in a slot of its own: 0 to instances - 1.
  std::uint32_t instances = 1;
  AppStart start = AppStart::kOnDemand;
  AppTransport transport = AppTransport::kPort;
  AppProfile profile = AppProfile::kGeneric;
  // Where an app of the profile kAspNetCore redirects to from http. 0: nowhere.
  std::uint16_t https_port = 0;
  Readiness readiness;
  Asked asked{};
  Timing timing;
  RapidFailOptions rapid_fail;
  RecycleOptions recycle;
  HookOptions hooks;
  // While this file is there the app is offline and the file is what it answers; absolute. Empty: none.
  std::string offline_file;
  Output output;

  friend bool operator==(const AppSpec&, const AppSpec&) = default;
};

}  // namespace gatehouse
