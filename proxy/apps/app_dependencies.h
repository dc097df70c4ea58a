// What AppHost needs of the rest of the program, as functions: where events go, how an instance is asked something, and
// how busy it is. Made by the Server, called on its thread only.
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
  Address address;
  std::string method = "GET";
  std::string path;
  std::vector<std::pair<std::string, std::string>> fields;  // besides Host and User-Agent
  std::chrono::milliseconds timeout{3000};
  std::optional<uid_t> listening_user{};  // as of an InstanceView
};

// How many requests an instance has had so far, and has now.
struct InstanceUse {
  std::uint64_t requests = 0;
  std::uint32_t in_flight = 0;
};

struct AppDependencies {
  using ProbeDone = std::move_only_function<void(std::optional<int>)>;

  std::move_only_function<void(AppEvent)> event;  // must not call back into the host; post instead
  // Asks, and calls the ProbeDone once with the status, or nothing if there was no answer. Destroying the result
  // cancels.
  std::move_only_function<std::shared_ptr<void>(AppProbe, ProbeDone)> probe;
  std::move_only_function<InstanceUse(InstanceId)> use;  // for recycle.requests and idle_stop; asked once a second
  std::string runtime_directory;                         // private (0700), for sockets
};

}  // namespace gatehouse
