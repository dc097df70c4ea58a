#include "proxy/frontend/client_transport.h"

#include <string_view>

#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse {

IoResult ClientTransport::write(Buffer& from) {
  const IoResult result = stream->write(from);
  written += static_cast<std::int64_t>(result.bytes);
  return result;
}

ClientInfo client_info(const ListenerContext& context, ClientTransport& transport, Protocol protocol) {
  return {.protocol = protocol,
          .address = transport.peer,
          .listener = context.policy,
          .tls = transport.tls,
          .proxied = transport.proxied,
          .early = transport.early != nullptr && *transport.early,
          .strayed = transport.strayed,
          .belongings = &transport.belongings};
}

field_rules::Misdirected misdirection(const TlsContexts* contexts, const TlsSummary* tls, const TlsContexts* now) {
  if (now != nullptr && now != contexts && !now->lets_in_all_of(contexts)) {
    return [](std::string_view /*host*/) { return true; };
  }
  if (contexts == nullptr || tls == nullptr) return {};
  return [contexts, tls](std::string_view host) { return contexts->misdirected(tls->server_name, host); };
}

}  // namespace gatehouse
