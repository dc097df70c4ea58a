#include "proxy/forward/header_edits.h"

namespace gatehouse {

void HeaderEdits::apply_to(FieldList& fields) const {
  for (const std::string& name : remove) fields.remove(name);
  for (const auto& [name, value] : set) fields.set(name, value);
  for (const auto& [name, value] : add) fields.add(name, value);
}

}  // namespace gatehouse
