// What the server says about itself over HTTP, to operators and monitors: /metrics /healthz /readyz /status
// /status.json. Reads only; GET and HEAD, on an address of its own that is local by default, and only to whom
// admin_access.h lets. Serves HTTP/1.1 with the same codec as every listener, on the control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/address.h"
#include "common/result.h"

namespace gatehouse {

class EventLoop;
class InheritedSockets;
class StatusEvents;

class Admin {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<std::string()> status_json;
    std::function<std::string()> status_table;
    std::function<std::string()> not_ready;  // why; empty: ready
    StatusEvents* events;                    // never null; outlives the pages
  };

  struct Site;  // the pages and their listener

  explicit Admin(std::unique_ptr<Site> site);
  // By a socket that was handed over, if one has the address.
  static Result<std::unique_ptr<Admin>> open(EventLoop& loop, const Address& address, Pages pages,
                                             const InheritedSockets& inherited);
  ~Admin();
  // Closes it at the end of the turn, after those of its connections that end in this turn by themselves.
  static void retire(EventLoop& loop, std::unique_ptr<Admin> admin);

  const Address& address() const;  // where it really is

 private:
  std::unique_ptr<Site> site_;
};

}  // namespace gatehouse
