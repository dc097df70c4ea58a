// One HTTP/1.1 request to an address and its status, within a time: a health check, an app's readiness, a warm-up. A
// connection of its own each time; the body is read and thrown away, and with 64 KiB of it the status is known well
// enough. Owned by who wants to know (HealthChecker, and AppHost by way of UpstreamDirectory); one loop's thread;
// destroying it gives up.
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
#include "proxy/upstream/endpoint.h"

namespace gatehouse {

class EventLoop;

// What is asked, and of whom. It has no body.
struct ProbeRequest {
  // Null: that of `address`.
  std::shared_ptr<Endpoint> endpoint{};
  Address address;
  std::string method = "GET";
  std::string path = "/";
  // For Host; empty: the address, or "localhost" for Unix sockets.
  std::string authority;
  // Fields besides Host and User-Agent, or in its place.
  std::vector<std::pair<std::string, std::string>> fields;
  // What the connection begins with, before TLS.
  std::string introduction{};
  // For all of it, from connecting to the end of the answer. If our own loop was late, the endpoint gets it once
  // more.
  std::chrono::milliseconds timeout{3000};
  // Who alone may listen at a Unix socket, as of an Endpoint; kForeignListener if it is somebody else.
  std::optional<uid_t> listening_user{};
};

class Probe {
 public:
  // The status, whatever it is. A fault if there was no whole answer: out of time it is kConnectTimeout,
  // kUpstreamTimeout or kUpstreamBodyTimeout, by how far it had come.
  using Outcome = std::expected<std::uint16_t, Fault>;

  // `done` is called once, from the loop, never from the constructor, and never after destruction. It must not
  // destroy the probe, but may give it to EventLoop::retire(). `request` is read during the call only.
  Probe(EventLoop& loop, const ProbeRequest& request, std::move_only_function<void(Outcome)> done);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  class Conversation;
  std::unique_ptr<Conversation> conversation_;
};

}  // namespace gatehouse
