// What a route changes in heads by configuration. Names of framing and of the connection are refused when the
// configuration is read. Immutable part of a snapshot; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/http/field_list.h"

namespace gatehouse {

struct HeaderEdits {
  // Name and value of fields that are to be there once, with this value.
  std::vector<std::pair<std::string, std::string>> set;
  // Name and value of fields that are added to those of the same name.
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;

  // Removes fields first, then sets, then adds.
  void apply_to(FieldList& fields) const;
};

}  // namespace gatehouse
