// What AppHost needs of the rest of the program, as functions: where events go, how an instance is asked something,
// and how busy it is. Made by the UpstreamDirectory together with the host, called on the control thread only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "proxy/apps/app_view.h"

namespace gatehouse {

// A request to an instance that AppHost needs done: readiness, warm-up, the ASP.NET Core module's shutdown message.
struct AppProbe {
  // Where the instance listens.
  Address address;
  std::string method = "GET";
  std::string path;
  // What Host says. Empty: the address, or "localhost" for Unix sockets.
  std::string host{};
  // Sent besides Host and User-Agent, or in its place.
  std::vector<std::pair<std::string, std::string>> fields;
  // For the whole request, connecting included.
  std::chrono::milliseconds timeout{3000};
  // Only this user may listen at `address`, as in an InstanceView; else the probe gets no answer.
  std::optional<uid_t> listening_user{};
};

// How many requests an instance has had so far, and has now.
struct InstanceUse {
  std::uint64_t requests = 0;
  std::uint32_t in_flight = 0;
};

struct AppDependencies {
  // Gets the status of the answer, or nothing if there was none.
  using ProbeDone = std::move_only_function<void(std::optional<int>)>;

  // Takes an event. It must not call back into the host: who wants to answer posts that to the loop.
  std::move_only_function<void(AppEvent)> event;
  // Asks, and calls the ProbeDone once, never inside this call. Destroying the result cancels: ProbeDone is then not
  // called any more.
  std::move_only_function<std::shared_ptr<void>(AppProbe, ProbeDone)> probe;
  // Tells how busy an instance is; nothing (all zero) for one that is not known. Asked once a second for
  // `recycle.requests` and `idle_stop`, and once more before an idle instance is stopped. May be empty: then nothing
  // is ever busy.
  std::move_only_function<InstanceUse(InstanceId)> use;
  // Where the folders of Unix sockets are made (0700, or 0711 once another user's app has one). Empty: there is none.
  std::string runtime_directory;
};

}  // namespace gatehouse
