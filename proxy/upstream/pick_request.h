// What a request wants of the endpoint that it gets, and why it may get none: what forwarder, waiting line, pools and
// balancers say to each other about permits. Values; one thread at a time.
#pragma once

#include <cstdint>
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
  std::span<const Endpoint* const> tried{};  // none of these
  std::optional<std::uint64_t> key{};        // for Balance::kHash; without one any endpoint will do
  std::string_view cookie{};                 // the affinity cookie's value: its member if that is available

  // Said by UpstreamPools, before a balancer is asked: among whom it chooses, and when.
  const BalanceTable* table = nullptr;
  const Upstream* upstream = nullptr;
  MonotonicTime now{};  // for slow start
  bool panic = false;   // no endpoint is available, so that all that serve are tried

  // Whether a permit of the endpoint may be asked for now. REQUIRES: table and upstream are set, as for allows().
  bool fits(const Endpoint& endpoint) const;
  // Whether it could be asked for if the endpoint had one to give.
  bool allows(const Endpoint& endpoint) const;
};

enum class NoPermit : std::uint8_t {
  kTaken,    // other requests have them all, or they are promised to those who wait: the request may wait, too
  kComing,   // there is no endpoint now, but there will be: it may wait
  kRefused,  // there is no endpoint: the set's refusal says what the client hears
  kTried,    // all endpoints have been tried
  kNoRoom,   // the process may not open another connection now: it may wait
};

}  // namespace gatehouse
