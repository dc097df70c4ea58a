// What the server says about itself over HTTP, to operators and monitors: /metrics /healthz /readyz /status
// /status.txt /status.json /status/events, and the files of the status page below /status/; / leads to /status. Reads only; GET and HEAD,
// on an address of its own that is local by default, for 64 connections at most, and only to whom admin_access.h lets.
// Its requests are neither counted nor logged. Serves HTTP/1.1 with the same codec as every listener. Owned by the
// Server, which makes another when a reload changes the address; control thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/address.h"
#include "common/result.h"

namespace gatehouse {

class EventLoop;
class InheritedSockets;
class StatusEvents;

class Admin {
 public:
  // What makes the pages. Each function is called for each request of its page, on the loop's thread, and returns the
  // whole body.
  struct Pages {
    std::function<std::string()> metrics;
    std::function<std::string()> status_json;
    std::function<std::string()> status_table;
    // Why /readyz says 503, without a line break; empty where it says 200.
    std::function<std::string()> not_ready;
    // Host names that are served beside those of admin_access.h, as they are configured now.
    std::function<std::span<const std::string>()> names;
    // Never null; outlives the pages.
    StatusEvents* events;
  };

  // The pages and their listener; use open().
  struct Site;

  explicit Admin(std::unique_ptr<Site> site);
  // Serves from now on, by a socket that was handed over if one has the address; else by one that it binds, whose
  // file (mode 0660) it makes and removes if the address is a Unix socket. The error says why the address cannot be
  // had. `loop` outlives it, and so does what `pages` refer to.
  static Result<std::unique_ptr<Admin>> open(EventLoop& loop, const Address& address, Pages pages,
                                             const InheritedSockets& inherited);
  // Breaks off its connections. REQUIRES: it is not destroyed below a call of one of them; retire() sees to that.
  ~Admin();
  // Closes it at the end of the turn, after those of its connections that end in this turn by themselves. Null is
  // nothing to close.
  static void retire(EventLoop& loop, std::unique_ptr<Admin> admin);

  // Where it really is: with the port that the kernel chose where port 0 was asked for.
  const Address& address() const;

 private:
  std::unique_ptr<Site> site_;
};

}  // namespace gatehouse
