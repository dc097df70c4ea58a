#include "proxy/frontend/client_transport.h"

#include <string_view>

#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse {

IoResult ClientTransport::write(Buffer& from) {
  const IoResult result = stream->write(from);
  written += static_cast<std::int64_t>(result.bytes);
  return result;
}

ClientInfo client_info(const ListenerContext& context, const ClientTransport& transport, Protocol protocol) {
  return {.protocol = protocol, .address = transport.peer, .listener = context.policy, .tls = transport.tls};
}

field_rules::Misdirected misdirection(const TlsContexts* contexts, const TlsSummary* tls) {
  if (contexts == nullptr || tls == nullptr) return {};
  return [contexts, tls](std::string_view host) { return contexts->misdirected(tls->server_name, host); };
}

}  // namespace gatehouse
