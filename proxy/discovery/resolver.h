// DNS names as endpoints: asks by c-ares on the control thread's loop, never blocking it, again when the answer's TTL
// is over (1 to 300 s), and keeps the last good answer when names cannot be resolved. Owned by the Server; its thread.
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
  std::uint32_t weight = 1;  // from SRV; 1 elsewhere
  friend bool operator==(const ResolvedAddress&, const ResolvedAddress&) = default;
};

struct DnsQuestion {
  std::string name;
  std::uint16_t port = 0;  // 0: SRV
  friend auto operator<=>(const DnsQuestion&, const DnsQuestion&) = default;
};

class Resolver {
 public:
  struct Resolution {
    std::vector<ResolvedAddress> addresses;  // sorted; at most 256; empty until there was a good answer
    std::string error;                       // of the last attempt; empty if it was good
  };
  struct Options {
    std::string servers;                             // "127.0.0.1:5353,..."; "": as `configuration` says
    std::string configuration = "/etc/resolv.conf";  // read again when it has changed
    std::chrono::milliseconds timeout{2'000};        // of the first try at a server; later ones take longer
    int tries = 3;                                   // at each server
  };

  Resolver(EventLoop& loop, Options options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Keeps a name resolved for as long as the watch lives. `changed` is called from the loop (never from watch()) after
  // the first attempt and whenever the addresses or the error differ from before.
  class Watch {
   public:
    virtual ~Watch() = default;
    virtual const Resolution& resolution() const = 0;
  };
  std::unique_ptr<Watch> watch(DnsQuestion question, std::function<void(const Resolution&)> changed);

 private:
  std::shared_ptr<DnsChannel> channel_;  // the watches keep it as well
};

}  // namespace gatehouse
