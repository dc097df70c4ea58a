// What an app is: how its processes are started, where they listen, when they are ready, replaced and stopped. Plain
// values that `discovery` makes of a validated configuration; nothing is checked here. Equal specs mean that nothing
// about the app has changed; one that differs in more than `instances` recycles it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

// Whether the app starts with the first request that waits for it, or at once.
enum class AppStart : std::uint8_t { kOnDemand, kEager };
// What it is told to listen on, and by which variables.
enum class AppTransport : std::uint8_t {
  // A free port of 127.0.0.1: in PORT, HTTP_PLATFORM_PORT and, as a URL, in ASPNETCORE_URLS.
  kPort,
  // The path of a private Unix socket: in SOCKET and, as a URL, in ASPNETCORE_URLS.
  kSocket,
  // A listening socket of 127.0.0.1 that is ours, handed over as descriptor 3 (sd_listen_fds(3): LISTEN_FDS,
  // LISTEN_PID, LISTEN_FDNAMES). It outlives the process, so that connections wait in its backlog during a restart.
  kInherit,
};
// With kAspNetCore instances get what the ASP.NET Core Module for IIS gives them: its variables, a pairing token that
// every request carries, and a shutdown message before the stop signal.
enum class AppProfile : std::uint8_t { kGeneric, kAspNetCore };
// Where lines of output go: to the program's log, to a file, unread to where ours goes, or nowhere.
enum class AppOutput : std::uint8_t { kLog, kFile, kInherit, kOff };

struct AppSpec {
  // When the app is parked, which means not started for a while.
  struct RapidFail {
    // So many bad ends within `window` (crashes, failed starts, instances that answer nothing any more) park it; 0:
    // never.
    std::uint32_t count = 10;
    std::chrono::milliseconds window{60'000};
    friend bool operator==(const RapidFail&, const RapidFail&) = default;
  };
  // What makes an instance be replaced. Zero or empty: never.
  struct Recycle {
    // The age of one instance, give or take a tenth, so that they do not all go at once.
    std::chrono::milliseconds every{0};
    // Requests that one instance has had.
    std::uint64_t requests = 0;
    // Resident bytes of one instance, its children included.
    std::uint64_t memory = 0;
    // Files or folders, absolute; a change in one of them replaces all instances.
    std::vector<std::string> on_change;
    friend bool operator==(const Recycle&, const Recycle&) = default;
  };
  struct Process {
    // The program and its arguments, run without a shell; never empty.
    std::vector<std::string> command;
    // Where it is run, absolute. Empty: our own.
    std::string directory;
    // Variables that win over the allowed ones of ours and those of `environment_file`.
    std::vector<std::pair<std::string, std::string>> environment;
    // Lines NAME=value, read at every start. Empty: none.
    std::string environment_file;
    // Who it runs as. Empty: who we are.
    std::string user;
    // What asks it to end, SIGTERM if nothing else is said.
    int stop_signal = 15;
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
    std::chrono::milliseconds start_timeout{120'000};
    // From the stop signal to the kill.
    std::chrono::milliseconds stop_timeout{10'000};
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

  std::string name;
  Process process;
  // How many processes, each in a slot of its own: 0 to instances - 1.
  std::uint32_t instances = 1;
  AppStart start = AppStart::kOnDemand;
  AppTransport transport = AppTransport::kPort;
  AppProfile profile = AppProfile::kGeneric;
  Readiness readiness;
  Timing timing;
  RapidFail rapid_fail;
  Recycle recycle;
  // While this file is there the app is offline and the file is what it answers; absolute. Empty: none.
  std::string offline_file;
  Output output;

  friend bool operator==(const AppSpec&, const AppSpec&) = default;
};

}  // namespace gatehouse
