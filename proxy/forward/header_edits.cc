#include "proxy/forward/header_edits.h"

namespace gatehouse {

void apply(const HeaderEdits& edits, FieldList& fields) {
  for (const std::string& name : edits.remove) fields.remove(name);
  for (const auto& [name, value] : edits.set) fields.set(name, value);
  for (const auto& [name, value] : edits.add) fields.add(name, value);
}

}  // namespace gatehouse
