// How an upstream chooses among its endpoints, keeps connections to them and judges them: what may be chosen, and what
// holds where nobody has chosen. For the configuration and for proxy/upstream and proxy/health, which carry it out.
// Values, any thread.
#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

// How a balancer chooses; balancer.cc has one for each. kLeastRequests takes the less busy of two random ones.
enum class Balance : std::uint8_t { kRoundRobin, kLeastRequests, kRandom, kHash };

// What the key of `Balance::kHash` is made of.
enum class HashOn : std::uint8_t { kClientAddress, kHeader, kCookie, kPath };

// What becomes of responses that are not quite HTTP.
enum class Tolerance : std::uint8_t {
  // They are broken: 502, or an end that is none.
  kStrict,
  // What has one meaning only is put right: lines of a head that LF alone ends, fields that go on in the next line, the
  // same Content-Length again, blanks behind the size of a chunk.
  kLenient,
};

// What becomes of requests while every endpoint that serves is only doubted: unhealthy or ejected.
enum class WhenAllUnhealthy : std::uint8_t {
  // All of them are tried: where everything seems down, it is often the checks that are wrong.
  kTry,
  // They are refused with 503, and none is sent to an endpoint that is known to be ill.
  kRefuse,
};

// Which version of the PROXY header connections to endpoints begin with.
enum class SendProxyProtocol : std::uint8_t { kOff, kV1, kV2 };

// [upstreams.NAME.pool]: connections that are kept for the next request.
struct PoolOptions {
  // How long a connection may be idle, at most: an endpoint that is known to close earlier, or says so by Keep-Alive:
  // timeout=, shortens it.
  std::chrono::milliseconds idle_timeout{60'000};
  // Per endpoint and worker, and more for a second after a burst; 0: no connection is kept.
  std::size_t max_idle = 64;
};

// How an endpoint begins that is checked.
enum class InitialHealth : std::uint8_t {
  // It counts as healthy until checks say otherwise.
  kServe,
  // It gets no request, and does not count as healthy, until its first check has passed: one pass is enough, whatever
  // healthy_after says.
  kWait,
};

// [upstreams.NAME.health]: how the endpoints of one upstream are checked.
struct HealthOptions {
  // What is asked for with GET; empty: there are no checks.
  std::string path;
  // What Host says. Empty: what it says for clients, as far as the configuration tells; else the endpoint's address. So
  // it is for all that an app is asked before it serves, as are the headers.
  std::string host{};
  // More headers, or others than those that are sent as if a client had come by a route.
  std::vector<std::pair<std::string, std::string>> headers{};
  // From the end of one check to the next, give or take a fifth.
  std::chrono::milliseconds interval{10'000};
  // For the whole check, from connecting to the end of the answer.
  std::chrono::milliseconds timeout{3'000};
  // So many failed checks in a row make an endpoint unhealthy, and so many passed ones healthy again.
  std::uint32_t unhealthy_after = 2;
  std::uint32_t healthy_after = 1;
  // A check has passed if its status is in this range, both ends included.
  std::uint16_t expect_first = 200;
  std::uint16_t expect_last = 399;
  InitialHealth initial = InitialHealth::kServe;
  // What its connections begin with: as those of its upstream, but for no client.
  SendProxyProtocol proxy_protocol = SendProxyProtocol::kOff;

  friend bool operator==(const HealthOptions&, const HealthOptions&) = default;
};

// Which statuses of answers, from 400 to 599.
class StatusSet {
 public:
  static constexpr std::uint16_t kFirst = 400;
  static constexpr std::uint16_t kLast = 599;

  constexpr StatusSet() = default;
  // Both ends are in it. REQUIRES: kFirst <= first <= last <= kLast.
  constexpr StatusSet(std::uint16_t first, std::uint16_t last) { add(first, last); }
  constexpr void add(std::uint16_t first, std::uint16_t last) {
    for (std::size_t status = first; status <= last; ++status) members_.set(status - kFirst);
  }
  // False for every status that is out of bounds.
  constexpr bool contains(std::uint16_t status) const {
    return status >= kFirst && status <= kLast && members_[status - kFirst];
  }

  friend bool operator==(const StatusSet&, const StatusSet&) = default;

 private:
  std::bitset<kLast - kFirst + 1> members_;
};

// [upstreams.NAME.outlier]: ejection, by the outcome of requests.
struct OutlierOptions {
  // So many failures in a row are too many; the workers count them. 0: nothing is ever ejected.
  std::uint32_t consecutive_failures = 5;
  // The answers that are failures, beside no connection and no answer. Those of a gateway say that the endpoint itself
  // does not serve. A 500 is one request's as a rule: if it counted, whoever finds a page that fails could take
  // endpoints out by asking for it.
  StatusSet statuses{502, 504};
  // How long the first time; each time after it twice as long, up to five minutes, or this if it is longer.
  std::chrono::milliseconds eject_for{30'000};
  // In percent of the upstream's endpoints; but one may be out where there are two or more.
  std::uint32_t max_ejected = 50;
};

namespace defaults {

// Requests that wait for a permit or for an app that starts; the next one gets 503.
inline constexpr std::uint32_t kQueue = 1000;
// How long one waits before it gets 503.
inline constexpr std::chrono::milliseconds kQueueTimeout{120'000};

}  // namespace defaults

}  // namespace gatehouse
