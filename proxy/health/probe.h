// One HTTP/1.1 request to an address and its status, within a time: a health check, an app's readiness, a warm-up. A
// connection of its own each time, the body is read and thrown away within a bound. Owned by who wants to know; one
// loop's thread; destroying it gives up.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "proxy/http/fault.h"

namespace gatehouse {

class EventLoop;

struct ProbeRequest {
  Address address;
  std::string method = "GET";
  std::string path = "/";
  std::string authority;                                    // "": the address; "localhost" for Unix sockets
  std::vector<std::pair<std::string, std::string>> fields;  // besides Host and User-Agent
  std::chrono::milliseconds timeout{3000};                  // for all of it; twice if our own loop was late
  std::optional<uid_t> listening_user{};                    // as of an Endpoint
};

class Probe {
 public:
  using Outcome = std::expected<std::uint16_t, Fault>;  // the status

  // `done` is called once, from the loop, never from the constructor; it may destroy the probe only by retiring it.
  Probe(EventLoop& loop, const ProbeRequest& request, std::move_only_function<void(Outcome)> done);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  class Conversation;
  std::unique_ptr<Conversation> conversation_;
};

}  // namespace gatehouse
