// What the server says about itself over HTTP, to operators and monitors: /metrics /healthz /readyz /status. Reads
// only; GET and HEAD, on an address of its own that is local by default, and only under names that no foreign page can
// make a browser use. Serves HTTP/1.1 with the same codec as every listener, on the control
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/address.h"
#include "common/result.h"

namespace gatehouse {

class EventLoop;
class InheritedSockets;

class Admin {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<std::string()> status;
    std::function<bool()> draining;
  };

  struct Site;  // the pages and their listener

  explicit Admin(std::unique_ptr<Site> site);
  // By a socket that was handed over, if one has the address.
  static Result<std::unique_ptr<Admin>> open(EventLoop& loop, const Address& address, Pages pages,
                                             const InheritedSockets& inherited);
  ~Admin();

  const Address& address() const;  // where it really is

 private:
  std::unique_ptr<Site> site_;
};

// Whether `host` (without port, in lower case) is one that the admin pages answer to: an IP address, localhost, the
// machine's own name; nothing, as HTTP/1.0 and Unix sockets have it.
bool admin_answers_to(std::string_view host);

}  // namespace gatehouse
