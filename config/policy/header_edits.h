// What a route changes in heads by configuration (proxy/forward/header_edits.h does it). Names of framing and of the
// connection are refused when the configuration is read. A value, and an immutable part of a snapshot; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

// request_headers and response_headers of a route: removed first, then set (replacing), then added. Names as written;
// values free of control characters but tabs.
struct HeaderEdits {
  // Name and value of fields that are to be there once, with this value.
  std::vector<std::pair<std::string, std::string>> set;
  // Name and value of fields that are added to those of the same name.
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;

  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

}  // namespace gatehouse
