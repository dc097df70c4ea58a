// DNS names as endpoints: asks by c-ares on one loop, never blocking it, again when the answer's TTL is over (1 to
// 300 s), and keeps the last good answer when names cannot be resolved. Owned by the UpstreamDirectory, on the control
// thread, or by the doctor; its loop's thread.
//
//   watch --> attempt --answer------> changed, if it differs --TTL---------------> attempt ...
//                     --no answer---> changed, if it differs --1, 2, 4 ... 30 s--> attempt ...
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/result.h"

namespace gatehouse {

class DnsChannel;
class EventLoop;

struct ResolvedAddress {
  Address address;
  // From SRV, 1 to 1000; 1 elsewhere.
  std::uint32_t weight = 1;
  friend bool operator==(const ResolvedAddress&, const ResolvedAddress&) = default;
};

struct DnsQuestion {
  std::string name;
  // The port of the addresses, which are asked for by A and AAAA. 0: SRV records are asked for, which bring ports.
  std::uint16_t port = 0;
  friend auto operator<=>(const DnsQuestion&, const DnsQuestion&) = default;
};

class Resolver {
 public:
  struct Resolution {
    // Sorted, each once, at most 256; empty until there was a good answer. After a failure: those of before.
    std::vector<ResolvedAddress> addresses;
    // Why the last attempt failed; empty if it was good.
    std::string error;
  };
  struct Options {
    // The servers to ask, as "127.0.0.1:5353,..."; empty: as `configuration` says.
    std::string servers;
    // Read again when it has changed, before the next question while none is on its way.
    std::string configuration = "/etc/resolv.conf";
    // Of the first try at a server; later ones take longer, up to 5 s.
    std::chrono::milliseconds timeout{2'000};
    // At each server.
    int tries = 3;
  };

  // The loop outlives the resolver and its watches.
  Resolver(EventLoop& loop, Options options);
  // Watches that still live go on.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Keeps a name resolved for as long as the watch lives. It is virtual only to keep what it is made of out of this
  // header.
  class Watch {
   public:
    virtual ~Watch() = default;
    // As `changed` was told last; without addresses and error before that.
    virtual const Resolution& resolution() const = 0;
  };
  // `changed` is called from the loop, never from watch(), after the first attempt and whenever the addresses or the
  // error differ from before. It may destroy the watch.
  std::unique_ptr<Watch> watch(DnsQuestion question, std::function<void(const Resolution&)> changed);

 private:
  // The watches keep it as well.
  std::shared_ptr<DnsChannel> channel_;
};

}  // namespace gatehouse
