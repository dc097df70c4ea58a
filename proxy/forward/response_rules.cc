#include "proxy/forward/response_rules.h"

#include <string_view>

#include "common/text.h"
#include "proxy/http/field_rules.h"

namespace gatehouse::response_rules {

namespace {

constexpr std::string_view kProxy = "proxy-";

// Proxy-Status is for us to say, and the others speak of a proxy that the client does not know it has.
bool is_proxys(const Field& field) {
  return field.name.size() > kProxy.size() && text::iequals(field.name.substr(0, kProxy.size()), kProxy);
}

}  // namespace

void apply(ResponseHead& head, const Route& route) {
  apply_interim(head);
  route.response_headers.apply(head.fields);
}

void apply_interim(ResponseHead& head) {
  field_rules::remove_hop_by_hop(head.fields);
  head.fields.remove_if(is_proxys);
}

}  // namespace gatehouse::response_rules
