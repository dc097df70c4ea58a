#include "proxy/frontend/client_transport.h"

#include <utility>

#include "proxy/frontend/tls/tls_contexts.h"
#include "proxy/http/field_rules.h"

namespace gatehouse {

ClientInfo client_info(const ListenerContext& context, const ClientTransport& transport, Protocol protocol) {
  return {.protocol = protocol, .address = transport.peer, .listener = context.policy, .tls = transport.tls};
}

std::expected<RequestHead, Fault> check_request(RawRequest& raw, const HeadLimits& limits, const TlsContexts* contexts,
                                                const TlsSummary* tls) {
  auto head = field_rules::check_request(raw, limits);
  if (head && contexts != nullptr && tls != nullptr && contexts->misdirected(tls->server_name, head->host())) {
    raw.method = std::move(head->method);
    raw.target = std::move(head->target);
    raw.authority = std::move(head->authority);
    return std::unexpected(Fault::kMisdirected);
  }
  return head;
}

Fault too_large(const RawRequest& raw, const HeadLimits& limits) {
  return raw.target.size() > limits.max_target_bytes ? Fault::kTargetTooLong : Fault::kHeadersTooLarge;
}

RequestHead rejected_head(RawRequest&& raw) {
  RequestHead head;
  head.protocol = raw.protocol;
  head.secure = raw.secure;
  head.method = std::move(raw.method);
  head.target = std::move(raw.target);
  head.authority = std::move(raw.authority);
  return head;
}

}  // namespace gatehouse
