// Listeners by their address, so that one of many that overlaps another is found without comparing each with each.
// Pointers into a Config that outlives it; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/address.h"
#include "config/config.h"

namespace gatehouse::config {

class ListenerIndex {
 public:
  // Whether one of the two takes connections that are meant for the other. [::] is for v4 as well; port 0 is another one
  // each time.
  static bool overlap(const Address& a, const Address& b);

  // Of several with one address the first is kept.
  void add(const Listener& listener);
  // The one with this very address; null if there is none.
  const Listener* at(const Address& address) const;
  // One that overlaps the address: the one that has it, if there is one; null if there is none.
  const Listener* overlapping(const Address& address) const;

 private:
  // Of one port: the first on all addresses of a family, and the first at all.
  struct Port {
    const Listener* any_v4 = nullptr;
    const Listener* any_v6 = nullptr;
    const Listener* first_v4 = nullptr;
    const Listener* first = nullptr;
  };

  std::map<std::string, const Listener*> by_address_;
  std::map<std::uint16_t, Port> by_port_;
};

}  // namespace gatehouse::config
