#include "proxy/cache/conditions.h"

#include <algorithm>
#include <array>

#include "common/text.h"

namespace gatehouse::cache {

bool is_judged_here(const Field& field) {
  static constexpr std::array<std::string_view, 4> kNames{"if-none-match", "if-modified-since", "range", "if-range"};
  return field.id == FieldName::kOther &&
         std::ranges::any_of(kNames, [&](std::string_view name) { return text::iequals(name, field.name); });
}

Conditions Conditions::of(const FieldList& request) {
  Conditions conditions{.for_endpoint = request.find("if-match") || request.find("if-unmodified-since")};
  for (const Field field : request) {
    if (is_judged_here(field)) conditions.fields.add(field.name, field.value);
  }
  return conditions;
}

}  // namespace gatehouse::cache
