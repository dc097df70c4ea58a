// What a route changes in heads by configuration: fields removed first, then set (replacing), then added. Names of
// framing and of the connection are refused when the configuration is read. Immutable part of a snapshot.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/http/field_list.h"

namespace gatehouse {

struct HeaderEdits {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;

  void apply_to(FieldList& fields) const;
};

}  // namespace gatehouse
