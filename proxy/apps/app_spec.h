// What an app is: how its processes are started, where they listen, when they are ready, replaced and stopped. Plain
// values, checked by whoever made them; equal specs mean that nothing about the app has changed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

enum class AppStart : std::uint8_t { kOnDemand, kEager };
enum class AppTransport : std::uint8_t {
  kPort,     // a free port of 127.0.0.1 in PORT, ASPNETCORE_URLS, HTTP_PLATFORM_PORT
  kSocket,   // the path of a private Unix socket in SOCKET
  kInherit,  // a listening socket of ours, handed over by LISTEN_FDS and LISTEN_PID
};
enum class AppProfile : std::uint8_t { kGeneric, kAspNetCore };
enum class AppOutput : std::uint8_t { kLog, kFile, kInherit, kOff };

struct AppSpec {
  struct RapidFail {
    std::uint32_t count = 10;  // crashes and failed starts within `window`: parked
    std::chrono::milliseconds window{60'000};
    friend bool operator==(const RapidFail&, const RapidFail&) = default;
  };
  struct Recycle {  // zero or empty: never
    std::chrono::milliseconds every{0};
    std::uint64_t requests = 0;          // of one instance
    std::uint64_t memory = 0;            // resident bytes of one instance, its children included
    std::vector<std::string> on_change;  // files or folders, absolute
    friend bool operator==(const Recycle&, const Recycle&) = default;
  };
  struct Process {
    std::vector<std::string> command;                              // no shell; never empty
    std::string directory;                                         // absolute; "": ours
    std::vector<std::pair<std::string, std::string>> environment;  // after the allow-list and environment_file
    std::string environment_file;                                  // NAME=value lines; read at every start
    std::string user;                                              // "": ours
    int stop_signal = 15;
    friend bool operator==(const Process&, const Process&) = default;
  };
  struct Output {
    AppOutput kind = AppOutput::kLog;
    std::string path;  // with kFile
    friend bool operator==(const Output&, const Output&) = default;
  };
  struct Timing {
    std::chrono::milliseconds start_timeout{120'000};
    std::chrono::milliseconds stop_timeout{10'000};
    std::chrono::milliseconds drain_timeout{30'000};  // for what is in flight when an instance is replaced or stopped
    std::chrono::milliseconds idle_stop{0};           // 0: never
    friend bool operator==(const Timing&, const Timing&) = default;
  };
  struct Readiness {
    std::string path;                 // "": ready when the socket accepts; else when GET answers 2xx or 3xx
    std::vector<std::string> warmup;  // paths asked for before an instance takes traffic
    friend bool operator==(const Readiness&, const Readiness&) = default;
  };

  std::string name;
  Process process;
  std::uint32_t instances = 1;
  AppStart start = AppStart::kOnDemand;
  AppTransport transport = AppTransport::kPort;
  AppProfile profile = AppProfile::kGeneric;
  Readiness readiness;
  Timing timing;
  RapidFail rapid_fail;
  Recycle recycle;
  std::string offline_file;  // absolute; "": none
  Output output;

  friend bool operator==(const AppSpec&, const AppSpec&) = default;
};

}  // namespace gatehouse
