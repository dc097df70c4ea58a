// What a request wants of the endpoint that it gets, and why it may get none: what forwarder, waiting line, pools and
// balancers say to each other about permits. Values, made for one call: views and pointers are
// good for its time. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/clock.h"

namespace gatehouse {

class BalanceTable;
class Endpoint;
class Upstream;

struct PickRequest {
  // Said by whoever wants an endpoint.

  // None of these will do: the request has failed there. Empty: it is the request's first try, or its first after a
  // wait.
  std::span<const Endpoint* const> tried{};
  // The hash of what Balance::kHash looks at. Without one any endpoint will do.
  std::optional<std::uint64_t> key{};
  // The affinity cookie's value, whatever the client sent. The member that it names is taken if it fits and there is a
  // connection, or room for one; else the balancer chooses.
  std::string_view cookie{};
  // Where the request has a connection of its own: taken before all others if it fits, and there is always room. Null:
  // nowhere.
  const std::shared_ptr<Endpoint>* own = nullptr;

  // Said by UpstreamPools, before a balancer is asked: among whom it chooses, and when.

  const BalanceTable* table = nullptr;
  const Upstream* upstream = nullptr;
  // For slow start.
  MonotonicTime now{};
  // No endpoint is available, so that all that are usable in a panic are tried.
  bool panic = false;

  // Whether a permit of the endpoint may be asked for now. REQUIRES: upstream is set.
  bool fits(const Endpoint& endpoint) const;
  // Whether it could be asked for if the endpoint had one to give.
  bool allows(const Endpoint& endpoint) const;
};

enum class NoPermit : std::uint8_t {
  // Other requests have them all, or they are promised to those who wait: the request may wait, too.
  kTaken,
  // There is no endpoint now, but there will be: it may wait.
  kComing,
  // There is no endpoint: the set's refusal says what the client hears.
  kRefused,
  // All endpoints that are fit have been tried. A request that may run twice may wait, and try them again.
  kTried,
  // The process may not open another connection now: it may wait.
  kNoRoom,
};

}  // namespace gatehouse
