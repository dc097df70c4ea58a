#include "proxy/forward/response_rules.h"

#include <format>
#include <string_view>

#include "common/text.h"
#include "proxy/http/field_rules.h"
#include "proxy/http/request_id.h"

namespace gatehouse {

namespace {

constexpr std::string_view kProxy = "proxy-";

// They speak to a proxy that the client does not know it has. Proxy-Status alone is for the client.
bool is_proxys(const Field& field) {
  return field.name.size() > kProxy.size() && (field.name.front() | ' ') == kProxy.front() &&
         text::iequals(field.name.substr(0, kProxy.size()), kProxy) && field.id != FieldName::kProxyStatus;
}

// RFC 9209 section 2: what the proxies behind us said of themselves stays, and who handed it on comes last. So an
// answer of ours is one whose last member is ours and names an error.
void append_proxy_status(ResponseHead& head) {
  if (!head.fields.find(FieldName::kProxyStatus)) return;
  head.fields.add(FieldName::kProxyStatus, std::format("gatehouse; received-status={}", head.status));
}

}  // namespace

void apply_response_rules(ResponseHead& head, const Route& route, std::string_view request_id) {
  apply_interim_response_rules(head);
  append_proxy_status(head);
  say_request_id(head.fields, request_id);
  apply(route.response_headers, head.fields);
}

void apply_interim_response_rules(ResponseHead& head) {
  field_rules::remove_hop_by_hop(head.fields);
  head.fields.remove_if(is_proxys);
  head.fields.remove_any(FieldName::kXDelegateHeaders, FieldName::kXDelegateTo, FieldName::kXResetCode);
}

}  // namespace gatehouse
