#include "proxy/frontend/accept/begin_client.h"

#include <utility>

#include "common/crypto/tls_stream.h"
#include "common/sockets.h"
#include "common/tcp_stream.h"
#include "proxy/frontend/accept/clear_accept.h"
#include "proxy/frontend/accept/tls_accept.h"
#include "proxy/frontend/client_admission.h"
#include "proxy/frontend/tls/tls_contexts.h"

namespace gatehouse {

void begin_client(ListenerContext& context, AcceptedClient client) {
  if (!client_admission::admit(context, client.address, client.permit)) {
    sockets::set_linger_reset(client.socket.get());
    return;
  }
  auto stream = std::make_unique<TcpStream>(context.loop, std::move(client.socket));
  if (!context.tls) {
    return ClearAccept::begin(context, {.stream = std::move(stream),
                                        .peer = client.address,
                                        .permit = std::move(client.permit),
                                        .proxied = std::move(client.proxied)});
  }
  TlsStream::SslPtr ssl = context.tls->new_ssl();
  if (!ssl) return;
  auto tls = std::make_unique<TlsStream>(context.loop, std::move(stream), std::move(ssl));
  auto accept = std::make_unique<TlsAccept>(context, std::move(tls), client.address, std::move(client.permit));
  if (client.proxied || client.spent > Duration::zero()) accept->came_by_proxy(std::move(client.proxied), client.spent);
  context.connections.add(std::move(accept));
}

}  // namespace gatehouse
