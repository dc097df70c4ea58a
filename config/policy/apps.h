// How an app is started, where it listens, and when it is replaced or given up: what may be chosen, and what holds
// where nobody has chosen. For the configuration and for proxy/apps, which carries it out. Values, any thread.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
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
// every request carries, and a shutdown message before the stop signal. On a private socket nobody else comes: there it
// is that they believe the forwarded fields. The host takes no socket that it inherits.
enum class AppProfile : std::uint8_t { kGeneric, kAspNetCore };
// Where lines of output go: to the program's log, to a file, unread to where ours goes, or nowhere.
enum class AppOutput : std::uint8_t { kLog, kFile, kInherit, kOff };

// rapid_fail = { count, window }: when the app is parked, which means not started for a while, with 503.
struct RapidFailOptions {
  // So many bad ends within `window` (crashes, failed starts, instances that answer nothing any more) park it; 0:
  // never.
  std::uint32_t count = 10;
  std::chrono::milliseconds window{60'000};
  friend bool operator==(const RapidFailOptions&, const RapidFailOptions&) = default;
};

// recycle = { every, at, requests, memory, on_change }: what makes an instance be replaced, overlapping. Zero or empty:
// never.
struct RecycleOptions {
  // The age of one instance, give or take a tenth, so that they do not all go at once.
  std::chrono::milliseconds every{0};
  // Times of the day, since midnight on the clocks of this machine's zone, at which all instances are replaced.
  std::vector<std::chrono::minutes> at{};
  // Requests that one instance has had.
  std::uint64_t requests = 0;
  // Resident bytes of one instance, its children included.
  std::uint64_t memory = 0;
  // Files, folders with all below them, or patterns of files in which "**" is any folders; absolute. A change in one of
  // them replaces all instances.
  std::vector<std::string> on_change{};
  friend bool operator==(const RecycleOptions&, const RecycleOptions&) = default;
};

// [apps.NAME.hooks]: what is run when something has happened to the app, each a program and its arguments; empty:
// nothing.
struct HookOptions {
  // An instance is ready, and takes the place of none that is recycled.
  std::vector<std::string> started{};
  // A start failed, an instance crashed or answers nothing any more, or the app is parked.
  std::vector<std::string> failed{};
  // An instance is ready in place of one that is recycled.
  std::vector<std::string> recycled{};
  // Then a run is ended, with all that it has started.
  std::chrono::milliseconds timeout{30'000};
  friend bool operator==(const HookOptions&, const HookOptions&) = default;
};

namespace defaults {

// From the start of an instance until it is ready.
inline constexpr std::chrono::milliseconds kStartTimeout{120'000};
// From the stop signal to the kill.
inline constexpr std::chrono::milliseconds kStopTimeout{10'000};
// What asks an instance to end.
inline constexpr int kStopSignal = SIGTERM;

}  // namespace defaults

}  // namespace gatehouse
